// A protobuf value that one function needs: its many small parts come from a few large blocks, and are given
// back with them. Not shared between threads.
#pragma once

#include <google/protobuf/arena.h>

#include <cstddef>

namespace gatehouse::message {

template <typename Message>
class OnArena {
  public:
    OnArena() : arena_(options()), message_(google::protobuf::Arena::CreateMessage<Message>(&arena_)) {}
    OnArena(const OnArena&) = delete;
    OnArena& operator=(const OnArena&) = delete;

    Message& operator*() { return *message_; }
    Message* operator->() { return message_; }

  private:
    static google::protobuf::ArenaOptions options() {
        google::protobuf::ArenaOptions out;
        out.start_block_size = kFirstBlock;
        return out;
    }

    static constexpr std::size_t kFirstBlock = 4096;  // enough for the record of a usual message
    google::protobuf::Arena arena_;
    Message* message_;
};

}  // namespace gatehouse::message
