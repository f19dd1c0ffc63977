// Finds the messages that `gatehouse scan` is given: eml files, folders and Maildirs (every file below), mbox
// files (told by their first line), and standard input. One message in memory at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace gatehouse::apps {

struct MailFile {
    std::string name;  ///< the path; "path#3" for the third message of an mbox
    std::string bytes;
};

class MailFiles {
  public:
    explicit MailFiles(std::vector<std::string> paths);

    /// What cannot be looked into: paths that do not exist, folders that are closed. The rest is found.
    std::vector<base::Error> find();
    /// What is known of the work: files, not messages.
    std::size_t files() const { return found_.size(); }
    std::size_t files_begun() const { return next_; }
    /// The next message; false at the end. A file that cannot be read is an error and is passed over next
    /// time.
    base::Result<bool> next(MailFile& into);

  private:
    void take_of_mbox(MailFile& into);

    std::vector<std::string> paths_;
    std::vector<std::string> found_;
    std::size_t next_ = 0;
    std::string mbox_name_;
    std::string mbox_;         ///< the whole file
    std::size_t mbox_at_ = 0;  ///< where its next message begins
    std::size_t mbox_count_ = 0;
};

}  // namespace gatehouse::apps
