// DATA and BDAT: content, its end, and what is swallowed of a message that was refused.
#include <algorithm>
#include <utility>

#include "receive/smtp/command.h"
#include "receive/smtp/machine.h"

namespace gatehouse::receive::smtp {
namespace {

Reply too_large() {
    return {552, "5.3.4", "Message too large"};
}

Reply no_transaction() {
    return {503, "5.5.1", "MAIL and RCPT come first"};
}

}  // namespace

Machine::Step Machine::read_data(std::span<char> input, std::size_t& used) {
    if (is_content_done_) return end_of_data();
    if (input.empty()) return Idle{};
    const auto piece = content_.read(within_limit(input));
    used = piece.used;
    received_ += used;
    is_content_done_ = piece.is_end;
    Step event = take(piece);
    check_discard();
    return event;
}

/// So much that a message that grows too large is seen at the octet that makes it so, however the bytes
/// arrive.
std::span<char> Machine::within_limit(std::span<char> input) const {
    if (!is_in_transaction()) return input;
    const std::uint64_t room = settings_.max_message_size - transaction_.size;
    return room < input.size() ? input.first(static_cast<std::size_t>(room) + 1) : input;
}

Machine::Step Machine::take(const ContentReader::Piece& piece) {
    if (!is_in_transaction()) return std::nullopt;
    transaction_.size += piece.kept.size();
    if (content_.is_bad()) {
        kill(AbortReason::bad_content, {550, "5.6.11", "Bare CR, bare LF or NUL in the message"});
    } else if (transaction_.size > settings_.max_message_size) {
        kill(AbortReason::too_large, too_large());
    } else if (!piece.kept.empty()) {
        return Content{piece.kept};
    }
    return std::nullopt;
}

Machine::Step Machine::end_of_data() {
    is_content_done_ = false;
    if (is_in_transaction()) return end_of_message();
    phase_ = Phase::commands;
    content_.release();
    return refuse(std::exchange(transaction_, {}).refusal);
}

Machine::Step Machine::end_of_message() {
    const MessageEnd end{transaction_.size, transaction_.is_chunked, content_.mended()};
    transaction_ = {};
    content_.release();
    phase_ = Phase::commands;
    awaiting_ = Awaiting::message;
    return end;
}

Machine::Step Machine::run_bdat(std::string_view arguments) {
    const auto chunk = parse_bdat(arguments);
    if (!chunk) {  // where its octets end nobody knows: what follows may be content, and is not obeyed
        send({501, "5.5.4", "Syntax: BDAT size [LAST]; closing"});
        close(CloseReason::not_smtp);
        return std::nullopt;
    }
    chunk_left_ = chunk->size;
    is_chunk_last_ = chunk->is_last;
    is_chunk_flushed_ = false;
    phase_ = Phase::chunk;
    if (transaction_.stage == Stage::none || (is_in_transaction() && !transaction_.is_chunked)) received_ = 0;
    if (is_in_transaction() && transaction_.recipients == 0) {
        kill(AbortReason::no_recipients, {503, "5.5.1", "No valid recipients"});
    } else if (is_in_transaction() && chunk->size > settings_.max_message_size - transaction_.size) {
        kill(AbortReason::too_large, too_large());
    } else if (is_in_transaction() && !transaction_.is_chunked) {
        awaiting_ = Awaiting::chunk;
        return BodyBegin{true};
    }
    check_discard();
    return std::nullopt;
}

Machine::Step Machine::read_chunk(std::span<char> input, std::size_t& used) {
    if (chunk_left_ == 0) return end_of_chunk();
    if (input.empty()) return Idle{};
    const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size()));
    const auto part = within_limit(input.first(there));
    used = part.size();
    received_ += used;
    chunk_left_ -= used;
    Step event = is_in_transaction() ? take(content_.read(part)) : std::nullopt;
    check_discard();
    return event;
}

Machine::Step Machine::end_of_chunk() {
    const bool is_open = is_in_transaction();
    if (is_open && is_chunk_last_ && !std::exchange(is_chunk_flushed_, true)) {
        return take({0, content_.finish(), false});
    }
    if (is_open && is_chunk_last_) return end_of_message();
    phase_ = Phase::commands;
    if (is_open) {
        send({250, "2.0.0", "Chunk taken"});
        return std::nullopt;
    }
    if (transaction_.stage == Stage::none) return refuse(no_transaction());
    if (is_chunk_last_) return refuse(std::exchange(transaction_, {}).refusal);
    send(transaction_.refusal);
    return std::nullopt;
}

/// Of what nobody will read no more is swallowed than the limit; a chunk says beforehand how much it will be.
void Machine::check_discard() {
    const std::uint64_t limit = settings_.max_message_size + settings_.discard_limit;
    const bool is_within = received_ <= limit && chunk_left_ <= limit - received_;
    if (is_in_transaction() || is_within) return;
    send(transaction_.stage == Stage::dead ? transaction_.refusal : no_transaction());
    close(CloseReason::flood);
}

/// The message is void from here on; the client hears of it at the end of its data or chunk.
void Machine::kill(AbortReason why, Reply reply) {
    aborted_ = Aborted{why, reply};
    transaction_.stage = Stage::dead;
    transaction_.refusal = std::move(reply);
}

}  // namespace gatehouse::receive::smtp
