// The journal reader on hostile bytes. The first byte chooses: raw bytes as a segment; one entry's payload;
// or a journal made of the input, damaged as the input says, of which everything before the damage must be
// read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "record/journal_format.h"
#include "record/record_store.h"

namespace {

using namespace gatehouse::record;

constexpr std::uint32_t kSegment = 3;

void require(bool condition) {
    if (!condition) std::abort();
}

/// All payloads, with the window given whole, or grown only as far as was asked for.
std::vector<std::string> walk(std::string_view bytes, bool grow) {
    std::vector<std::string> out;
    std::size_t have = grow ? 1 : bytes.size();
    while (!bytes.empty()) {
        have = std::min(std::max<std::size_t>(have, 1), bytes.size());
        const bool at_end = have == bytes.size();
        const auto step = next_step(bytes.substr(0, have), kSegment, at_end);
        if (step.step == StepKind::torn) break;
        if (step.step == StepKind::need_more) {
            require(!at_end && step.size > have);
            have = step.size;
            continue;
        }
        require(step.size >= kFrameHeaderBytes && step.size <= have);
        if (step.step == StepKind::frame) out.emplace_back(step.payload);
        bytes.remove_prefix(step.size);
        have = grow ? 1 : bytes.size();
    }
    return out;
}

void raw_segment(std::string_view input) {
    (void)parse_segment_header(input);
    require(walk(input, false) == walk(input, true));
}

void one_entry(std::string_view input) {
    if (const auto entry = parse_message_entry(input)) (void)unpack_record(entry->packed);
    (void)unpack_record(input);
}

void damaged_journal(std::string_view input) {
    if (input.size() < 3) return;
    const std::size_t at = static_cast<unsigned char>(input[0]) * 256U + static_cast<unsigned char>(input[1]);
    const char change = input[2];
    input.remove_prefix(3);
    std::string journal;
    std::vector<std::string> payloads;
    std::vector<std::size_t> ends;
    while (!input.empty() && payloads.size() < 200) {
        const std::size_t length =
            std::min<std::size_t>(static_cast<unsigned char>(input[0]), input.size() - 1);
        payloads.emplace_back(input.substr(1, length));
        input.remove_prefix(1 + length);
        journal += make_frame(kSegment, 1, payloads.back());
        ends.push_back(journal.size());
    }
    if (journal.empty()) return;
    require(walk(journal, true) == payloads);
    const std::size_t place = at % journal.size();
    if (change == 0) {
        journal.resize(place);
    } else {
        journal[place] = static_cast<char>(journal[place] ^ change);
    }
    const auto whole =
        static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), place) - ends.begin());
    const auto found = walk(journal, false);
    require(found == walk(journal, true));
    require(
        found.size() >= whole &&
        std::equal(payloads.begin(), payloads.begin() + static_cast<std::ptrdiff_t>(whole), found.begin()));
    require(found.size() < payloads.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0:
            raw_segment(input);
            break;
        case 1:
            one_entry(input);
            break;
        default:
            damaged_journal(input);
            break;
    }
    return 0;
}
