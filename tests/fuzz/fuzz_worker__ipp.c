// SPDX-License-Identifier: Apache-2.0
/* IPP answers: any bytes through libcups and our readers; what they give stays within its bounds.
 */
#include <string.h>

#include "services/worker/adapters/ipp_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

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
	(void)ipp_is_version_refused(answer);
	arena_fini(&a);
	return 0;
}
