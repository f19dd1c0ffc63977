#include "net/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <memory>

#include "base/ip_address.h"

namespace gatehouse::net {

using base::Fault;
using base::Result;

namespace {

constexpr std::chrono::days kBackdated{1};  // for peers whose clocks run late
constexpr std::chrono::days kValid{3650};
constexpr std::size_t kMostCommonName = 64;  // RFC 5280 appendix A.1, ub-common-name

struct Deleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter>;
using Certificate = std::unique_ptr<X509, Deleter>;
using MemoryBio = std::unique_ptr<BIO, Deleter>;

bool set_serial(X509* certificate) {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
    bytes[0] &= 0x7F;  // RFC 5280 section 4.1.2.2: positive
    bytes[0] |= 0x01;
    BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
    const bool set =
        number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    return set;
}

bool set_times(X509* certificate, base::WallTime now) {
    const auto from = std::chrono::time_point_cast<std::chrono::seconds>(now) - kBackdated;
    const auto until = from + kValid;
    return ASN1_TIME_set(X509_getm_notBefore(certificate), from.time_since_epoch().count()) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), until.time_since_epoch().count()) != nullptr;
}

bool set_names(X509* certificate, const std::string& host) {
    X509_NAME* name = X509_get_subject_name(certificate);
    const std::string common = host.size() <= kMostCommonName ? host : "Gatehouse";
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(common.data()),
                                      static_cast<int>(common.size()), -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Deleter> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_extensions(X509* certificate, const std::string& host) {
    const bool is_address = base::IpAddress::parse(host).has_value();
    return add_extension(certificate, NID_subject_alt_name, (is_address ? "IP:" : "DNS:") + host) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth");
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Result<PemPair> make_self_signed(const std::string& host, base::WallTime now) {
    // The extension is written in OpenSSL's own little language, in which a comma would start another entry.
    if (host.empty() || host.size() > 253 || host.find_first_of(",;:\\\n\r ") != std::string::npos) {
        if (!base::IpAddress::parse(host)) {
            return base::fail(Fault::usage, "\"{}\" is no host name for a certificate", host);
        }
    }
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    const bool made =
        key && certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
        set_serial(certificate.get()) && set_times(certificate.get(), now) &&
        set_names(certificate.get(), host) && X509_set_pubkey(certificate.get(), key.get()) == 1 &&
        add_extensions(certificate.get(), host) && X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
    const MemoryBio certificate_pem(BIO_new(BIO_s_mem()));
    const MemoryBio key_pem(BIO_new(BIO_s_mem()));
    if (!made || !certificate_pem || !key_pem ||
        PEM_write_bio_X509(certificate_pem.get(), certificate.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return base::fail(Fault::internal, "a self-signed certificate for {} could not be made", host);
    }
    return PemPair{text_of(certificate_pem.get()), text_of(key_pem.get())};
}

}  // namespace gatehouse::net
