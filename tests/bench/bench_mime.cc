// How long parsing and decoding take. Compare the figures of one run with each other.
#include <benchmark/benchmark.h>

#include <string>

#include "inspect/mime/address.h"
#include "inspect/mime/decode.h"
#include "inspect/mime/encoded_word.h"
#include "inspect/mime/parser.h"

namespace gatehouse::inspect::mime {
namespace {

std::string repeated(std::string_view text, std::size_t size) {
    std::string out;
    while (out.size() < size) out += text;
    return out;
}

/// 5 KB: twenty header fields, a text and an HTML alternative.
std::string typical_message() {
    std::string message =
        "Return-Path: <bounce-1234@lists.example.org>\r\n"
        "Received: from mx.example.org (mx.example.org [192.0.2.1])\r\n"
        "\tby gateway.example.com (Postfix) with ESMTPS id 4ABCDEF123\r\n"
        "\tfor <user@example.com>; Mon,  1 Jun 2026 10:00:00 +0000 (UTC)\r\n"
        "Received: by mail.example.org with SMTP id d9443c01a7336-2a1\r\n"
        "        for <user@example.com>; Mon, 01 Jun 2026 02:59:58 -0700 (PDT)\r\n"
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=20230601;\r\n"
        "        h=to:subject:message-id:date:from:mime-version:from:to:cc:subject\r\n"
        "         :date:message-id:reply-to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
        "        b=";
    message += repeated("dGhpcyBpcyBub3QgYSBzaWduYXR1cmU", 340) + "\r\n";
    message +=
        "MIME-Version: 1.0\r\n"
        "From: =?UTF-8?Q?J=C3=BCrgen_M=C3=BCller?= <juergen@example.org>\r\n"
        "Date: Mon, 1 Jun 2026 11:59:57 +0200\r\n"
        "Message-ID: <CAF8rJzN2Xw5Yk7Qq1@mail.example.org>\r\n"
        "Subject: =?UTF-8?B?UmU6IFNpdHp1bmcgYW0gRG9ubmVyc3RhZyBpbSBCw7xybw==?=\r\n"
        "To: \"User, Example\" <user@example.com>, other@example.com\r\n"
        "List-Unsubscribe: <https://lists.example.org/u/1234>, <mailto:u@lists.example.org>\r\n"
        "X-Mailer: Example Mailer 7.1\r\n"
        "Content-Type: multipart/alternative; boundary=\"000000000000a1b2c3061a2b3c4d\"\r\n"
        "\r\n"
        "--000000000000a1b2c3061a2b3c4d\r\n"
        "Content-Type: text/plain; charset=\"UTF-8\"\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    message += repeated("Wir treffen uns am Donnerstag um zehn Uhr im gro=C3=9Fen B=C3=BCro.\r\n", 1200);
    message +=
        "--000000000000a1b2c3061a2b3c4d\r\n"
        "Content-Type: text/html; charset=\"UTF-8\"\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    message +=
        repeated("<p style=3D\"margin:0\">Wir treffen uns am <b>Donnerstag</b> um zehn Uhr.</p>\r\n", 1900);
    message += "--000000000000a1b2c3061a2b3c4d--\r\n";
    return message;
}

std::string base64_lines(std::size_t size) {
    return repeated("TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz\r\n", size);
}

void parse_message(benchmark::State& state, const std::string& message) {
    for (auto _ : state) benchmark::DoNotOptimize(parse(message));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * message.size()));
}

void parse_typical(benchmark::State& state) {
    parse_message(state, typical_message());
}

void parse_attachment(benchmark::State& state) {
    parse_message(
        state,
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
        "Content-Type: application/zip; name=\"a.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
            base64_lines(1U << 20) + "--b--\r\n");
}

void parse_many_parts(benchmark::State& state) {
    parse_message(state, "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
                             repeated("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n", 100'000) + "--b--\r\n");
}

template <typename Decode>
void decode_body_text(benchmark::State& state, const std::string& text, Decode decode) {
    for (auto _ : state) benchmark::DoNotOptimize(decode(text, text.size()));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void base64(benchmark::State& state) {
    decode_body_text(state, base64_lines(1U << 20), decode_base64);
}
void base64_one_line(benchmark::State& state) {
    decode_body_text(state, repeated("TWFuIGlzIGRpc3Rpbmd1aXNoZWQs", 1U << 20), decode_base64);
}
void quoted_printable_text(benchmark::State& state) {
    decode_body_text(
        state, repeated("Wir treffen uns am Donnerstag um zehn Uhr im gro=C3=9Fen B=C3=BCro.\r\n", 1U << 20),
        decode_quoted_printable);
}
void quoted_printable_dense(benchmark::State& state) {
    decode_body_text(state, repeated("=C3=BC=C3=B6=C3=A4=C3=9F=C3=BC=C3=B6=C3=A4=C3=9F=\r\n", 1U << 20),
                     decode_quoted_printable);
}

void subject(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(decode_encoded_words(
            "=?UTF-8?B?UmU6IFNpdHp1bmcgYW0gRG9ubmVyc3RhZyBpbSBCw7xybw==?= =?UTF-8?Q?_und_mehr?="));
    }
}

void addresses(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            parse_address_list("\"User, Example\" <user@example.com>, other@example.com"));
    }
}

BENCHMARK(parse_typical);
BENCHMARK(parse_attachment);
BENCHMARK(parse_many_parts);
BENCHMARK(base64);
BENCHMARK(base64_one_line);
BENCHMARK(quoted_printable_text);
BENCHMARK(quoted_printable_dense);
BENCHMARK(subject);
BENCHMARK(addresses);

}  // namespace
}  // namespace gatehouse::inspect::mime
