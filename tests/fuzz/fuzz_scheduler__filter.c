// SPDX-License-Identifier: Apache-2.0
/* Any text: parsed or refused, and the condition made of it holds no byte of the text's values. */
#include <stdlib.h>
#include <string.h>

#include "services/scheduler/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct fault f = FAULT_INIT;
	const struct filter *tree = NULL;
	struct buf out = BUF_INIT;
	struct sql_values *values = mem_alloc(sizeof(*values));

	arena_init(&arena, (size_t)4 * 1024 * 1024);
	char *text = arena_strndup(&arena, (const char *)data, strnlen((const char *)data, size));
	if (text != NULL && filter_parse(text, FILTER_DEVICES, &arena, &tree, &f) == 0) {
		sql_condition(tree, 1, "null", &out, values);
		bug_if(!out.err && strpbrk(buf_str(&out), ";\\\"\n") != NULL);
	}
	buf_fini(&out);
	free(values);
	arena_fini(&arena);
	return 0;
}
