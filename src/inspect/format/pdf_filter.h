// Inner part of pdf: the filters of streams (ISO 32000-2 7.4), those of pictures excepted.
#pragma once

#include <span>
#include <string_view>

#include "inspect/format/pdf.h"

namespace gatehouse::inspect::format {

inline constexpr std::size_t kMaxPdfFilters = 8;

struct PdfFilter {
    std::string_view name;
    std::span<const PdfToken> tokens;  ///< the stream's dictionary, for predictors
    std::size_t max_output = 0;
};

/// Sets stream.bytes, which have to be empty, to what the filter makes of `in`. False: not known here.
bool apply_pdf_filter(const PdfFilter& filter, std::string_view in, PdfStream& stream);

}  // namespace gatehouse::inspect::format
