// The nouns to and from facts.proto. Everything that arrives as bytes is checked as hostile input: sizes,
// enums and lengths out of range make the whole value Fault::malformed, never a half-filled one. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "message/record.h"
#include "message/revision.h"

namespace gatehouse::pb {
class Envelope;
class Facts;
class Record;
class HeaderEdit;
}  // namespace gatehouse::pb

namespace gatehouse::message {

/// The format number of a stored Record. A newer one is refused with a sentence; all older ones are read.
/// 2: what became of queued mail.
inline constexpr std::uint32_t kRecordFormat = 2;

void to_pb(const Envelope& from, pb::Envelope& to);
base::Result<Envelope> from_pb(const pb::Envelope& from);
void to_pb(const Facts& from, pb::Facts& to);
base::Result<Facts> from_pb(const pb::Facts& from);
void to_pb(const HeaderEdit& from, pb::HeaderEdit& to);
base::Result<HeaderEdit> from_pb(const pb::HeaderEdit& from);
void to_pb(const Record& from, pb::Record& to);
base::Result<Record> from_pb(const pb::Record& from);

std::string encode_record(const Record& record);
base::Result<Record> decode_record(std::string_view bytes);
/// An envelope alone, for items that wait (quarantine, queue, holds); their store carries the format number.
std::string encode_envelope(const Envelope& envelope);
base::Result<Envelope> decode_envelope(std::string_view bytes);

}  // namespace gatehouse::message
