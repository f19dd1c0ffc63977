// Stored things as the JSON rows that the control socket streams and the command line prints. Safe for any
// bytes.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "act/quarantine/item.h"
#include "act/queue/item.h"
#include "message/record.h"
#include "record/tracking_row.h"

namespace gatehouse::apps {

boost::json::object tracking_row_json(const record::TrackingRow& row);
boost::json::object item_json(const act::quarantine::Item& item);
boost::json::object queue_item_json(const act::queue::QueueItem& item);
/// The scan JSON of the message, its envelope, steps, outcomes and the explanation in words.
boost::json::object record_json(const message::Record& record);

boost::json::array words_json(const std::vector<std::string>& words);

}  // namespace gatehouse::apps
