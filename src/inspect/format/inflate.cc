#include "inspect/format/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace gatehouse::inspect::format {

namespace {

constexpr std::size_t kFirstRoom = 16U << 10;
constexpr std::size_t kMostAtOnce = 4U << 20;

int window_bits(Wrapper wrapper) {
    switch (wrapper) {
        case Wrapper::none:
            return -MAX_WBITS;
        case Wrapper::zlib:
            return MAX_WBITS;
        case Wrapper::gzip:
            return MAX_WBITS + 16;
    }
    return MAX_WBITS;
}

/// zlib counts in unsigned int.
uInt clamp(std::size_t size) {
    return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class Stream {
  public:
    explicit Stream(Wrapper wrapper) : ready_(inflateInit2(&z_, window_bits(wrapper)) == Z_OK) {}
    ~Stream() {
        if (ready_) inflateEnd(&z_);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    Inflated run(std::string_view data, std::size_t max_output) {
        Inflated out;
        if (!ready_) return out;
        while (true) {
            if (out.bytes.size() == max_output) return at_limit(std::move(out), data);
            const std::size_t before = out.bytes.size();
            const std::size_t room =
                std::min(max_output - before, std::clamp(before, kFirstRoom, kMostAtOnce));
            out.bytes.resize(before + room);
            const int state = step(data.substr(out.consumed), out.bytes.data() + before, room);
            out.bytes.resize(before + made_);
            out.consumed += taken_;
            if (is_over(state, data, out)) return out;
        }
    }

  private:
    int step(std::string_view data, char* to, std::size_t room) {
        // zlib's interface is not const; it does not write there.
        z_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data.data()));
        z_.avail_in = clamp(data.size());
        z_.next_out = reinterpret_cast<Bytef*>(to);
        z_.avail_out = clamp(room);
        const uInt in = z_.avail_in;
        const uInt space = z_.avail_out;
        const int state = ::inflate(&z_, Z_NO_FLUSH);
        taken_ = in - z_.avail_in;
        made_ = space - z_.avail_out;
        return state;
    }

    bool is_over(int state, std::string_view data, Inflated& out) const {
        if (state == Z_STREAM_END) {
            out.end = InflateEnd::complete;
            return true;
        }
        if (state != Z_OK && state != Z_BUF_ERROR) {
            out.end = InflateEnd::broken;
            return true;
        }
        const bool stuck = taken_ == 0 && made_ == 0;
        if (stuck || (out.consumed == data.size() && z_.avail_out != 0)) {
            out.end = InflateEnd::truncated;
            return true;
        }
        return false;
    }

    /// Exactly as much as is allowed, or more?
    Inflated at_limit(Inflated out, std::string_view data) {
        std::array<char, 1> more{};
        const int state = step(data.substr(out.consumed), more.data(), more.size());
        out.consumed += taken_;
        if (made_ != 0) {
            out.end = InflateEnd::limit;
        } else if (state == Z_STREAM_END) {
            out.end = InflateEnd::complete;
        } else {
            out.end = state == Z_OK || state == Z_BUF_ERROR ? InflateEnd::truncated : InflateEnd::broken;
        }
        return out;
    }

    z_stream z_{};
    bool ready_;
    std::size_t taken_ = 0;
    std::size_t made_ = 0;
};

}  // namespace

Inflated inflate(std::string_view data, Wrapper wrapper, std::size_t max_output) {
    return Stream(wrapper).run(data, max_output);
}

std::uint32_t crc32(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace gatehouse::inspect::format
