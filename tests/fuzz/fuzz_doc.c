// SPDX-License-Identifier: Apache-2.0
/* Any bytes: the reader of documents ends, says a place when it refuses, and each text that it
 * gives comes back from YAML as it was. */
#include <string.h>

#include "common/text/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void comes_back(const char *text)
{
	struct buf out = BUF_INIT;
	struct arena arena;
	const struct doc *root = NULL;
	struct doc_wrong w;

	arena_init(&arena, 0);
	buf_adds(&out, "k: ");
	yaml_text(&out, text);
	bug_if(doc_read(buf_span(&out), &arena, &root, &w) != 0);
	const struct doc *k = doc_get(root, "k");
	bug_if(k == NULL || k->kind != DOC_SCALAR || doc_is_null(k) || strcmp(k->text, text) != 0);
	arena_reset(&arena);
	buf_fini(&out);
}

static void walk(const struct doc *d, size_t depth, size_t *left)
{
	bug_if(depth > DOC_DEPTH_MAX || d->line == 0 || d->column == 0);
	if (d->kind == DOC_SCALAR && *left > 0 && strlen(d->text) < 1000) {
		(*left)--;
		comes_back(d->text);
	}
	for (const struct doc *c = d->first; c != NULL; c = c->next)
		walk(c, depth + 1, left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct doc *root = NULL;
	struct doc_wrong w = {.reason = NULL};
	struct arena arena;
	size_t left = 20;

	arena_init(&arena, 0);
	if (doc_read((struct span){data, n}, &arena, &root, &w) != 0)
		bug_if(w.reason == NULL || w.line == 0 || w.column == 0 || w.detail[0] == '\0');
	else if (root != NULL)
		walk(root, 0, &left);
	arena_reset(&arena);
	return 0;
}
