// What a hostile engine may send: replies cut anywhere, over-long, with any number and name; and the header
// of a database file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "consult/engines/clamd_reply.h"
#include "consult/engines/engine_log.h"
#include "consult/engines/signatures.h"

namespace engines = gatehouse::consult::engines;
using gatehouse::message::AnswerState;

namespace {

void check(const std::string& line) {
    const auto reply = engines::parse_reply(line);
    const auto judgement = engines::judge(reply);
    // "Clean" is said in one way only.
    if (judgement.state == AnswerState::clean && !line.contains("]: OK")) std::abort();
    if ((judgement.state == AnswerState::not_scanned) != !judgement.gap_reason.empty()) std::abort();
    if (judgement.state == AnswerState::unavailable && judgement.repeatable) std::abort();
    for (const char c : reply.text) {
        if (static_cast<unsigned char>(c) < 0x20) std::abort();
    }
    engines::generation_of(reply.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    engines::parse_cvd_header(input);
    engines::judge_engine_line(input);
    engines::ReplyBuffer buffer;
    std::size_t at = 0;
    while (at < input.size()) {
        const std::size_t piece = 1 + static_cast<unsigned char>(input[at]) * 16U;
        buffer.append(input.substr(at, piece));
        at += std::min(piece, input.size() - at);
        while (true) {
            const auto line = buffer.next();
            if (!line || !*line) break;
            check(**line);
        }
        if (buffer.pending() > engines::kMaxReply + piece) std::abort();
    }
    return 0;
}
