// Reads a case file (architecture section 3; the language is described in tests/cases/README.md). Sections
// begin with "=== name"; what stands before the first one is `key = value` (only `level`). An unknown section
// or key is an error.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace gatehouse::cases {

enum class Level { inspect, decide, walk };

struct Expectation {
    int line = 0;
    std::string path;  ///< "evidence.id", or reply, delivered, quarantined
    std::string op;    ///< = != contains !contains matches > < >= <= exists
    std::string value;
};

/// "hop 1 RCPT = 450 4.2.0 try later", "clamd = found X", "queue = flush": in order.
struct Script {
    int line = 0;
    std::string subject;
    std::string value;
};

/// An address, and what follows it in MAIL or RCPT ("NOTIFY=NEVER").
struct CasePath {
    std::string address;
    std::string parameters = {};
};

struct CaseEnvelope {
    std::string client = "192.0.2.1";
    std::string helo = "client.example.org";
    CasePath from{"sender@example.org"};
    std::vector<CasePath> to{{"user@example.com"}};
};

/// One `then` section: what happens behind the message.
struct CaseStep {
    int line = 0;
    std::vector<Script> deeds;
};

struct CaseFile {
    std::string path;
    Level level = Level::inspect;
    CaseEnvelope envelope;
    std::string settings;  ///< TOML: tables of gatehouse.toml and settings.toml, told apart by the catalogue
    std::string policy;
    std::string message;  ///< raw, CRLF
    std::vector<Script> answers;
    std::vector<CaseStep> then;
    std::vector<Expectation> expect;  ///< must hold
    std::vector<Expectation> refuse;  ///< must not hold
};

/// Errors name file and line.
base::Result<CaseFile> read_case(const std::string& path);

}  // namespace gatehouse::cases
