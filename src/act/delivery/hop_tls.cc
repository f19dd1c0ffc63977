#include "act/delivery/hop_tls.h"

namespace gatehouse::act::delivery {

base::Result<HopTls> HopTls::make(net::TlsClientOptions options) {
    HopTls made;
    options.trust = net::TlsTrust::verify;
    GATEHOUSE_TRY(made.verifying_, net::TlsContext::make_client(options));
    options.trust = net::TlsTrust::any_certificate;
    GATEHOUSE_TRY(made.any_, net::TlsContext::make_client(options));
    return made;
}

}  // namespace gatehouse::act::delivery
