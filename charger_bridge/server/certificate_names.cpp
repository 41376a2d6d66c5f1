#include "charger_bridge/server/certificate_names.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

namespace tally::bridge {

namespace {

struct CertificateDeleter {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

/// The only value of an attribute; nothing when there are none or several, or it is not plain.
std::optional<std::string> only_value(const X509_NAME* name, int attribute) {
    const int place = X509_NAME_get_index_by_NID(name, attribute, -1);
    if (place < 0 || X509_NAME_get_index_by_NID(name, attribute, place) >= 0) {
        return std::nullopt;
    }
    const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, place));
    unsigned char* text = nullptr;
    const int length = ASN1_STRING_to_UTF8(&text, value);
    if (length < 0) {
        ERR_clear_error();
        return std::nullopt;
    }
    const std::string result{text, text + length};
    OPENSSL_free(text);
    const bool printable =
        std::all_of(result.begin(), result.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (result.empty() || result.size() > certificate_name_bytes_max || !printable) {
        return std::nullopt;
    }
    return result;
}

}  // namespace

std::optional<CertificateNames> names_of(const x509_st* certificate) {
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    const std::optional<std::string> organization = only_value(subject, NID_organizationName);
    const std::optional<std::string> common_name = only_value(subject, NID_commonName);
    if (!organization || !common_name) {
        return std::nullopt;
    }
    return CertificateNames{*organization, *common_name};
}

std::optional<CertificateNames> names_from_der(ByteView der) {
    if (der.size() > certificate_bytes_max) {
        return std::nullopt;
    }
    const unsigned char* at = der.data();
    const std::unique_ptr<X509, CertificateDeleter> certificate{
        d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    if (certificate == nullptr || at != der.data() + der.size()) {
        ERR_clear_error();
        return std::nullopt;
    }
    return names_of(certificate.get());
}

}  // namespace tally::bridge
