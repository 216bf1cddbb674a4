// SPDX-License-Identifier: Apache-2.0
/* Any bytes: the JSON reader ends, takes what jansson takes, and every place is inside the text. */
#include <jansson.h>
#include <string.h>

#include "common/text/json_pull.h"
#include "common/text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What only one of the two bounds or forgives: jansson takes a NUL for the end. */
static bool incomparable(const struct pull *p, enum pull_token t, const json_error_t *e)
{
	if (memchr(p->in.p, 0, p->in.n))
		return true;
	if (t == PULL_WRONG &&
		(strncmp(p->reason, "too_", 4) == 0 || strcmp(p->reason, "nul") == 0))
		return true;
	return json_error_code(e) == json_error_numeric_overflow ||
	       json_error_code(e) == json_error_null_byte_in_key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	json_error_t e = {.line = 0};
	enum pull_token t;
	struct pull p;

	if (n == 0)
		return 0;
	pull_init(&p, (struct span){data, n}, 1000);
	do {
		t = pull_next(&p);
		bug_if(p.offset > n || pull_column(&p) < 1 || pull_column(&p) > pull_byte(&p));
		bug_if((t == PULL_NAME || t == PULL_STRING) && !utf8_valid(p.text.p, p.text.n));
	} while (t != PULL_END && t != PULL_WRONG);
	size_t bom = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	json_t *j = json_loadb((const char *)data + bom, n - bom, JSON_DECODE_ANY, &e);
	bug_if(!incomparable(&p, t, &e) && (j != NULL) != (t == PULL_END));
	json_decref(j);
	pull_fini(&p);
	return 0;
}
