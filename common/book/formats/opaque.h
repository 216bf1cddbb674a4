// SPDX-License-Identifier: Apache-2.0
/* Files that are no address book in clear text: packed, encrypted, a web page, a picture … They are
 * kept whole, never parsed or edited, and go back to the same model only
 * (docs/spec/address-books.md 4.11). By content, never by name. Pure. */
#pragma once

#include "common/base/base.h"

struct opaque {
	const char *reason; /* "opaque", "html" or "unknown_format" */
	const char *what;   /* "a ZIP archive" */
};

/* What the begin of a file looks like, 64 KiB are enough. false: text that nothing is known of;
 * then *ret_opaque says so, too. */
bool opaque_recognise(struct span head, struct opaque *ret_opaque);
