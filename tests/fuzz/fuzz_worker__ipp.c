// SPDX-License-Identifier: Apache-2.0
/* IPP answers: any bytes through libcups and our readers; what they give stays within its bounds,
 * and what is set is a message again. */
#include <string.h>

#include "services/worker/adapters/ipp_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* One half wanted, the other present. */
static void compare(const uint8_t *data, size_t n, struct arena *a)
{
	struct span present = {data, n / 2}, wanted = {data + n / 2, n - n / 2};
	struct ipp_changes found;
	struct ipp_set_answer answer;
	struct fault f = FAULT_INIT;
	struct buf b = BUF_INIT;
	const char *name;

	(void)!ipp_read_set_answer(wanted, a, &answer, &f);
	if (ipp_compare(present, wanted, a, &found, &f) < 0)
		return;
	for (size_t i = 0; i < found.n; i++) {
		struct ipp_names one = {.name = &name, .n = 1};
		name = found.change[i].name;
		bug_if(!found.change[i].before && !found.change[i].after);
		if (i == 0)
			ipp_set_attributes(&b, "ipp://h/p", 0x0200, wanted, &one);
	}
	if (b.n)
		bug_if(ipp_check(buf_span(&b), &f) < 0 && f.code == 0);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span answer = {data, n};
	struct ipp_identity id;
	struct ipp_names names;
	struct fault f = FAULT_INIT;
	struct arena a;
	uint64_t count = 0;

	arena_init(&a, (size_t)2 * 1024 * 1024);
	if (ipp_read_identity(answer, &a, &id, &f) == 0)
		bug_if((id.serial && strlen(id.serial) > 64) ||
			(id.model && strlen(id.model) > 64));
	(void)!ipp_setting_names(answer, &a, &names, &f);
	if (ipp_check(answer, &f) == 0)
		bug_if(ipp_count(answer, &count, &f) < 0);
	const char *words = ipp_words(answer, &a);
	bug_if(words && strlen(words) > 255);
	(void)ipp_is_version_refused(answer);
	compare(data, n, &a);
	arena_fini(&a);
	return 0;
}
