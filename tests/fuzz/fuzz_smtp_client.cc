// The SMTP client machine against a hostile hop and hostile values, and the dot-stuffer against any content.
// The input is read as: two bytes of choices, a line of values for addresses and parameters, then what the
// hop says. Checked: nothing but whole commands leaves, one line each; replies never outnumber commands; what
// is stuffed holds no end of data before its end.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "act/delivery/client_machine.h"
#include "act/delivery/dot_stuffing.h"

namespace {

using namespace gatehouse::act::delivery;  // NOLINT: a fuzz target is one file
using gatehouse::message::Envelope;
using gatehouse::message::Recipient;
using Next = ClientMachine::Next;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Whole lines with CRLF and nothing else that could end one.
std::size_t count_lines(std::string_view output) {
    std::size_t lines = 0;
    while (!output.empty()) {
        const auto end = output.find("\r\n");
        require(end != std::string_view::npos);
        const auto line = output.substr(0, end);
        require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
        output.remove_prefix(end + 2);
        ++lines;
    }
    return lines;
}

/// One command after the other, chosen by `choice`; values come from the input.
void command(ClientMachine& machine, unsigned choice, std::string_view value) {
    Envelope envelope;
    envelope.sender = value;
    envelope.smtputf8 = (choice & 8U) != 0;
    envelope.eight_bit = true;
    envelope.declared_size = choice;
    envelope.envid = value.substr(value.size() / 2);
    envelope.ret = (choice & 16U) != 0 ? "FULL" : "";
    const Recipient recipient{std::string(value), static_cast<std::uint8_t>(choice & 15U),
                              std::string(value)};
    const auto before = machine.outstanding();
    const auto output = machine.output().size();
    bool written = true;
    if (choice % 5 == 0) written = machine.mail(envelope).has_value();
    if (choice % 5 == 1) written = machine.rcpt(recipient).has_value();
    if (choice % 5 == 2) machine.data();
    if (choice % 5 == 3) machine.reset();
    if (choice % 5 == 4) machine.quit();
    require(machine.outstanding() == before + (written ? 1 : 0));
    require(count_lines(machine.output().substr(output)) == (written ? 1 : 0));
}

void drive(ClientMachine& machine, unsigned choice, std::string_view value, std::string_view hop) {
    for (unsigned step = 0; step < 500; ++step) {
        while (const auto reply = machine.take_reply()) {
            require(reply->code >= 200 && reply->code < 600);
            const auto told = reply->for_client().to_string();
            require(std::all_of(told.begin(), told.end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
        }
        switch (machine.next()) {
            case Next::failed:
                require(!machine.receive("220 x\r\n"));
                return;
            case Next::send:
                count_lines(machine.output());
                machine.sent();
                break;
            case Next::handshake:
                machine.secured();
                require(machine.offers() == Capabilities());
                break;
            case Next::ready:
                command(machine, choice + step, value);
                if ((choice & 64U) != 0) command(machine, choice + step + 1, value);
                break;
            case Next::receive: {
                if (hop.empty()) return;
                if (machine.is_in_content() && (choice & 128U) != 0) machine.content_sent();
                const auto bytes = hop.substr(0, 1 + choice % 37 * step % 61);
                hop.remove_prefix(bytes.size());
                const auto received = machine.receive(bytes);
                require(received.has_value() == (machine.next() != Next::failed));
                break;
            }
        }
    }
}

void stuff(std::string_view bytes, unsigned choice) {
    const auto split = bytes.size() * (choice % 16) / 16;
    DotStuffer stuffer(bytes.substr(0, split), bytes.substr(split));
    std::string wire = "\r\n";
    for (auto pieces = stuffer.pieces(); !pieces.empty(); pieces = stuffer.pieces()) {
        const auto taken = pieces.front().substr(0, 1 + choice);
        require(!taken.empty());
        wire += taken;
        stuffer.written(taken.size());
    }
    require(wire.find("\r\n.\r\n") + 5 == wire.size());
    require(wire.find("\n.\n") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto choice = static_cast<unsigned>(data[0]);
    const auto rest = input.substr(2);
    stuff(rest, choice);
    const auto end = std::min(rest.find('\n'), rest.size());
    auto machine = ClientMachine::make("gw.test", static_cast<TlsUse>(data[1] % 3));
    drive(*machine, choice, rest.substr(0, end), rest.substr(std::min(end + 1, rest.size())));
    return 0;
}
