// SPDX-License-Identifier: Apache-2.0
/* What a cause code means, in the reader's language. */
#include <stdlib.h>
#include <string.h>

#include "services/gateway/gateway.h"

static const struct error_info *find(const char *text)
{
	if (strncasecmp(text, "CN-", 3) == 0)
		text += 3;
	int code = (int)strtol(text, NULL, 10);
	return code > 0 ? error_info(code) : error_named(text);
}

void on_explain(struct rest *r, const void *body)
{
	const struct m_explain *m = body;
	const struct error_info *e = find(m->code);
	const char *lang = m->lang == NULL ? r->lang : m->lang;
	size_t l = strcmp(lang, "fr") == 0 ? 1 : strcmp(lang, "ja") == 0 ? 2 : 0;

	if (e == NULL) {
		rest_refuse(r, CN_NOT_FOUND, "code", "there is no code '%s'", m->code);
		return;
	}
	struct m_explanation x = {
		.code = (uint64_t)e->code,
		.name = e->name,
		.class = error_class_words[e->class],
		.outcome = error_outcome_words[e->outcome],
		.has = UINT64_MAX,
		.retryable = e->retryable,
		.status = (uint64_t)e->status,
		.text = e->text[l],
		.hint = e->hint[l],
	};
	struct m_explanation_one one = {.explanation = &x};
	rest_reply(r, &m_explanation_one_desc, &one);
}
