// Any bytes as a container of each kind that is told by name: members keep to their limits, and a container
// that gives nothing has a gap.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/open/open.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::inspect;

constexpr std::size_t kRoom = 65536;
constexpr std::size_t kMembers = 50;

class Counting final : public open::Visitor {
  public:
    std::size_t room() const override { return kRoom; }
    std::size_t max_members() const override { return kMembers; }
    bool on_member(const open::Member& member) override {
        if (member.bytes.size() > size_ + kRoom) std::abort();
        return ++members_ < 4 * kMembers;
    }
    void on_gap(std::string_view, message::GapReason, std::string_view) override {}
    void on_evidence(const base::EvidenceInfo&, std::string_view, std::string) override {}
    void on_link(std::string_view, std::string_view) override {}
    std::span<const std::string> passwords() override { return words_; }
    explicit Counting(std::size_t size) : size_(size) {}

  private:
    std::size_t size_;
    std::size_t members_ = 0;
    std::vector<std::string> words_{"password"};
};

constexpr auto kTypes = std::to_array<std::string_view>(
    {"", "html", "ics", "pdf", "tnef", "msg", "ole", "zip", "docx", "svg", "gz", "uuencode", "rtf"});

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto name = kTypes[data[0] % kTypes.size()];
    const auto& type = name.empty() ? format::true_type(bytes) : *format::find_file_type(name);
    Counting visitor(size);
    open::open({"", bytes, &type}, visitor);
    return 0;
}
