// Inner part of open(): the openers by kind of container. Each calls the visitor as open.h says.
#pragma once

#include "inspect/open/open.h"

namespace gatehouse::inspect::open {

void open_zip(const Item& item, Visitor& visitor);
void open_gzip(const Item& item, Visitor& visitor);
void open_uuencoded(const Item& item, Visitor& visitor);
void open_yenc(const Item& item, Visitor& visitor);
/// Office 97-2003, VBA projects, Windows installers and other OLE compound files.
void open_compound(const Item& item, Visitor& visitor);
void open_outlook_message(const Item& item, Visitor& visitor);
void open_tnef(const Item& item, Visitor& visitor);
/// HTML and SVG: files that scripts and links carry.
void open_html(const Item& item, Visitor& visitor);
void open_calendar(const Item& item, Visitor& visitor);
void open_pdf(const Item& item, Visitor& visitor);
void open_rtf(const Item& item, Visitor& visitor);
/// Archives and compressed files that libarchive reads, by the type they have.
void open_by_library(const Item& item, Visitor& visitor);

}  // namespace gatehouse::inspect::open
