// SPDX-License-Identifier: Apache-2.0
/* What people and programs read. */
#pragma once

#include "services/verify/verify.h"

struct report {
	bool json;
	bool any; /* a finding was written */
};

/* A verify.report. */
void report_finding(void *report, const struct finding *f);
void report_begin(struct report *r);
void report_end(struct report *r, const struct verify *v, int code);
