// SPDX-License-Identifier: Apache-2.0
/* What a mapping holds: for generic_csv.c alone. */
#pragma once

#include "common/base/arena.h"
#include "common/book/formats/generic.h"

struct mapping_pair {
	const char *from; /* column of the file, compared without case */
	const char *to;   /* column of the generic CSV */
};

struct mapping {
	struct arena arena;
	struct mapping_pair pair[MAPPING_MAX];
	size_t n;
	bool brackets;
	int charset;    /* enum charset, or -1 */
	char delimiter; /* 0 = as the heading has it */
};
