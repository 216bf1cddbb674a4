// SPDX-License-Identifier: Apache-2.0
/* XML: whatever comes, each element stands where the tree says, inside its parent. */
#include <string.h>

#include "common/text/utf8.h"
#include "common/text/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct xml_node *n, struct span file, uint32_t from, uint32_t to)
{
	for (; n; n = n->next) {
		bug_if(n->begin < from || n->inner_begin <= n->begin ||
			n->inner_end < n->inner_begin);
		bug_if(n->end < n->inner_end || n->end > to);
		bug_if(file.p[n->begin] != '<' || file.p[n->end - 1] != '>');
		bug_if(n->child && n->text[0]);
		bug_if(!utf8_valid(n->text, strlen(n->text)) || n->line == 0 || n->column == 0);
		check(n->child, file, n->inner_begin, n->inner_end);
		from = n->end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct xml_limits LIMITS = {
		.depth = 64, .nodes = 10000, .attributes = 256, .text = 65536};
	struct span file = {data, n};
	struct fault fault = FAULT_INIT;
	struct xml_place place = {.line = 0};
	struct arena a;

	arena_init(&a, (size_t)4 * 1024 * 1024);
	const struct xml_node *root = xml_parse(&a, file, &LIMITS, &place, &fault);
	bug_if((root == NULL) != (fault.code != 0));
	bug_if(!root && (place.line == 0 || place.column == 0 || place.byte == 0));
	check(root, file, 0, (uint32_t)n);
	arena_fini(&a);
	return 0;
}
