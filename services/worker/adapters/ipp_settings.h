// SPDX-License-Identifier: Apache-2.0
/* Settings of a printer, wanted against present: what differs, what of it can be set, and the
 * Set-Printer-Attributes that does it (devices.md section 8). Both sides are answers as the adapter
 * stores them (ipp_attributes). Pure. */
#pragma once

#include "services/worker/adapters/ipp_message.h"

enum ipp_hindrance {
	IPP_CAN_BE_SET,
	IPP_NOT_SETTABLE, /* not in the printer's list */
	IPP_OF_ANOTHER, /* says which printer it is, and the settings are those of another (class A)
			 */
};

/* One attribute that differs. */
struct ipp_change {
	const char *name;
	const char *before, *after; /* as text, cut; NULL = it does not have it */
	enum ipp_hindrance hindrance;
};
struct ipp_changes {
	struct ipp_change *change; /* in the order wanted, then what goes */
	size_t n;
	size_t unchanged;
};

/* Tags of text, name and keyword do not count, nor the order of a collection's members; the order
 * of values does. 0, or -1 with CN_PROTOCOL_ERROR (present is no answer) or CN_PARSE_ERROR (wanted
 * is none). */
int ipp_compare(struct span present, struct span wanted, struct arena *a, struct ipp_changes *ret,
	struct fault *reterr) must_check;

/* Appends a request that gives these attributes the values they have in wanted, and deletes those
 * that wanted does not have. Names that wanted cannot give are left out. */
void ipp_set_attributes(struct buf *out, const char *uri, unsigned version, struct span wanted,
	const struct ipp_names *names);

/* What became of a Set. */
struct ipp_set_answer {
	unsigned status;
	struct ipp_names refused; /* the unsupported group, which may stand beside successful-ok */
};
int ipp_read_set_answer(struct span answer, struct arena *a, struct ipp_set_answer *ret,
	struct fault *reterr) must_check;
/* Shall the same be asked once more without the refused names (0x040B, 0x0413)? */
bool ipp_set_again(unsigned status);
