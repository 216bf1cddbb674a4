// SPDX-License-Identifier: Apache-2.0
/* The words for kinds of entries. */
#include "common/book/formats/canon.h"

#include <string.h>

#include "common/base/ascii.h"

static const char *const CLASSES[DEST_KINDS] = {
	[DEST_EMAIL] = "email",
	[DEST_FAX] = "g3fax",
	[DEST_IFAX] = "ifax",
	[DEST_IPFAX] = "ipfax",
	[DEST_FILE] = "remotefilesystem",
	[DEST_GROUP] = "groupfids",
};

const char *canon_class(const struct book_entry *e)
{
	return CLASSES[e->group ? DEST_GROUP : e->n_dests ? e->dest[0].kind : DEST_NONE];
}

enum dest_kind canon_kind(const char *class, size_t n)
{
	for (int k = 0; k < DEST_KINDS; k++)
		if (CLASSES[k] && strlen(CLASSES[k]) == n && ascii_same_n(class, CLASSES[k], n))
			return (enum dest_kind)k;
	return DEST_NONE;
}
