// The middle of the walk without a gateway: its own zygote and inspectors, its own engine, the policy of the
// configuration. Used by `scan` and `bench scan`. Nothing leaves the machine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apps/common/config.h"
#include "message/record.h"

namespace gatehouse::apps {

struct ScanEnvelope {
    std::string client;
    std::string helo;
    std::string from;
    std::vector<std::string> to;
};

struct ScannedMessage {
    std::string name;
    message::Record record;
};

class Scanner {
  public:
    static base::Result<std::unique_ptr<Scanner>> start(const Config& config, ScanEnvelope envelope);
    ~Scanner();
    Scanner(const Scanner&) = delete;
    Scanner& operator=(const Scanner&) = delete;

    /// Calls `next` for messages until it says false, and `done` with each result in order of completion; at
    /// most one per inspector is under way. Errors of single files come through `failed`.
    struct Calls {
        std::function<bool(std::string& name, std::string& bytes)> next;
        std::function<void(ScannedMessage)> done;
        std::function<void(const std::string& name, const base::Error&)> failed;
    };
    void run(const Calls& calls);
    std::size_t inspectors() const;
    int zygote_pid() const;

  private:
    struct Parts;
    explicit Scanner(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace gatehouse::apps
