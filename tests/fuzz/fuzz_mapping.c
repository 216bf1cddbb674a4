// SPDX-License-Identifier: Apache-2.0
/* Mapping files: any bytes; a mapping or a refusal with its place. */
#include "common/book/formats/generic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fault f = FAULT_INIT;
	struct mapping *m = NULL;

	if (mapping_parse((struct span){data, n}, &m, &f) == 0)
		mapping_free(m);
	else
		bug_if(f.code == 0);
	return 0;
}
