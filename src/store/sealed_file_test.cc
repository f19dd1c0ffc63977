#include "store/sealed_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/fd.h"
#include "base/random.h"
#include "store/testing.h"

namespace gatehouse::store {
namespace {

using base::Fault;

constexpr std::string_view kLabel = "7Q3K-M8TD-0VZ2-6XNB/1";

class SealedFile : public ::testing::Test {
  protected:
    void write(std::string_view bytes) {
        const base::Fd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        ASSERT_TRUE(seal(file.get(), kLabel, key_, bytes));
    }
    base::Result<std::string> read(std::string_view label, const SealKey& key) const {
        const base::Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
        std::string out;
        GATEHOUSE_CHECK(unseal(file.get(), label, key, [&](std::string_view bytes) -> base::Result<void> {
            out += bytes;
            return {};
        }));
        return out;
    }
    base::Result<std::string> read() const { return read(kLabel, key_); }

    TemporaryFolder folder_;
    std::string path_ = folder_ / "item";
    SealKey key_ = SealKey::make();
};

TEST_F(SealedFile, RoundTripsEverySize) {
    for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 131072U, 1'000'000U}) {
        const auto bytes = base::random_bytes(size);
        write(bytes);
        EXPECT_EQ(read().value(), bytes) << size;
        EXPECT_EQ(std::filesystem::file_size(path_), sealed_size(kLabel, size)) << size;
    }
}

TEST_F(SealedFile, HidesWhatItHolds) {
    const std::string bytes = "a sentence that nobody may read in the file";
    write(bytes);
    EXPECT_EQ(content_of(path_).find("sentence"), std::string::npos);
    EXPECT_EQ(content_of(path_).find(key_.bytes()), std::string::npos);
}

TEST_F(SealedFile, EveryChangedOrMissingByteIsNoticed) {
    write("Subject: hello\r\n\r\nbody\r\n");
    const auto whole = content_of(path_);
    for (std::size_t i = 0; i < whole.size(); ++i) {
        auto changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        write_content(path_, changed);
        EXPECT_FALSE(read()) << i;
        write_content(path_, whole.substr(0, i));
        EXPECT_FALSE(read()) << i;
    }
    write_content(path_, whole + "x");
    EXPECT_EQ(read().error().fault, Fault::malformed);
    write_content(path_, whole);
    EXPECT_TRUE(read());
}

TEST_F(SealedFile, ChunksCannotBeCutSwappedOrRepeated) {
    constexpr std::size_t kChunk = 65536 + 17;
    write(base::random_bytes(65536U * 3));
    const auto whole = content_of(path_);
    const std::size_t start = whole.size() - 3 * kChunk;
    const auto head = whole.substr(0, start);
    const auto one = whole.substr(start, kChunk);
    const auto two = whole.substr(start + kChunk, kChunk);
    const auto three = whole.substr(start + 2 * kChunk);
    const auto join = [](std::initializer_list<std::string_view> pieces) {
        std::string out;
        for (const auto piece : pieces) out += piece;
        return out;
    };
    for (const auto& forged : {join({head, one, two}), join({head, one}), head, join({head, two, one, three}),
                               join({head, one, one, two, three}), join({head, two, three}),
                               join({head, one, two, three, three})}) {
        write_content(path_, forged);
        EXPECT_EQ(read().error().fault, Fault::malformed);
    }
}

TEST_F(SealedFile, AnotherKeyOrLabelDoesNotOpenIt) {
    write("hello");
    EXPECT_EQ(read(kLabel, SealKey::make()).error().fault, Fault::malformed);
    EXPECT_EQ(read("7Q3K-M8TD-0VZ2-6XNB/2", key_).error().fault, Fault::malformed);
    EXPECT_EQ(read("7Q3K-M8TD-0VZ2-6XNB/11", key_).error().fault, Fault::malformed);
    EXPECT_EQ(read("", key_).error().fault, Fault::malformed);
    EXPECT_TRUE(read(kLabel, SealKey::from_bytes(key_.bytes()).value()));
    EXPECT_FALSE(SealKey::from_bytes("short"));
}

TEST_F(SealedFile, NewerFormatsAreRefused) {
    write("hello");
    auto bytes = content_of(path_);
    bytes[8] = 2;
    write_content(path_, bytes);
    EXPECT_EQ(read().error().fault, Fault::refused);
}

TEST_F(SealedFile, ASinkThatFailsEndsIt) {
    write(base::random_bytes(200'000));
    const base::Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    int calls = 0;
    const auto done = unseal(file.get(), kLabel, key_, [&](std::string_view) -> base::Result<void> {
        ++calls;
        return base::fail(Fault::timed_out, "enough");
    });
    EXPECT_EQ(done.error().fault, Fault::timed_out);
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace gatehouse::store
