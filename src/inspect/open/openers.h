// Inner part of open(): the openers by kind of container. Each calls the visitor as open.h says.
#pragma once

#include "inspect/open/open.h"

namespace gatehouse::inspect::open {

void open_zip(const Item& item, Visitor& visitor);
void open_gzip(const Item& item, Visitor& visitor);
void open_uuencoded(const Item& item, Visitor& visitor);
void open_yenc(const Item& item, Visitor& visitor);
/// Archives and compressed files that libarchive reads, by the type they have.
void open_by_library(const Item& item, Visitor& visitor);

}  // namespace gatehouse::inspect::open
