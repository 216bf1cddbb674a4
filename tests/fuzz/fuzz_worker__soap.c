// SPDX-License-Identifier: Apache-2.0
/* Answers of devices that speak SOAP, any bytes: what Konica Minolta's and Kyocera's readers make
 * of them stays within its bounds, and what a change comes to is a message that parses again. */
#include <string.h>

#include "services/worker/adapters/konica_message.h"
#include "services/worker/adapters/konica_steps.h"
#include "services/worker/adapters/kyocera_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct konica IN = {.major = 4, .minor = 2, .auth = "a", .lock = "l"};

static void konica(const struct soap_answer *a)
{
	struct konica k = {.major = 0};
	const struct xml_node *first = NULL;
	struct fault f = FAULT_INIT;
	uint32_t entries = 0, seen = 0;

	if (konica_version_read(a, &k, &f) == 0)
		bug_if(k.major > 9999 || k.minor > 9999);
	if (konica_check(a, "GetAbbr", &IN, 1, &f) < 0)
		bug_if(f.code == 0);
	(void)konica_key(a->arena, a, "AuthKey");
	if (a->body && konica_page_read(a, &entries, &first, &f) == 0) {
		for (const struct xml_node *e = first; e; e = konica_page_next(e), seen++)
			bug_if(!*konica_number(a->arena, e));
		bug_if(seen != entries || seen > KONICA_PAGE);
	}
}

static void kyocera(const struct soap_answer *a)
{
	enum kyocera_result r;
	const char *message = NULL;
	struct fault f = FAULT_INIT;
	bool in_use = false;

	if (kyocera_result(a, kyocera_get_call(KYOCERA_GROUPS), &r, &f) < 0)
		bug_if(f.code == 0);
	if (!a->body)
		return;
	(void)kyocera_enumeration(a->arena, a);
	for (const struct xml_node *g = kyocera_first(a, KYOCERA_GROUPS); g;
		g = kyocera_next(g, KYOCERA_GROUPS)) {
		(void)kyocera_id(a->arena, g);
		(void)kyocera_check_group(g, &f);
	}
	kyocera_panel(a->arena, a, &message, &in_use);
}

/* The input is what is wanted; the device holds nothing. */
static void steps(struct span file)
{
	static const char EMPTY[] = "<AbbrList><ArraySize>0</ArraySize></AbbrList>";
	struct image_item was = {
		.name = "address_book", .bytes = {(const uint8_t *)EMPTY, sizeof(EMPTY) - 1}};
	struct image_item want = {.name = "address_book", .bytes = file};
	struct image before = {.item = &was, .n_items = 1}, wanted = {.item = &want, .n_items = 1};
	struct errand e = {.before = &before, .wanted = &wanted};
	struct konica_steps s;
	struct fault f = FAULT_INIT;

	if (konica_steps_make(&e, &s, &f) == 0) {
		bug_if(s.n_deleted > 0);
		for (size_t i = 0; i < s.n; i++) {
			struct buf m = BUF_INIT;
			struct soap_answer again;
			struct arena a;
			arena_init(&a, 0);
			konica_set_message(&m, &IN, s.step[i].abbr);
			bug_if(!m.err && soap_parse(&a, buf_span(&m), &again, &f) < 0);
			arena_fini(&a);
			buf_fini(&m);
		}
	}
	konica_steps_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span file = {data, n};
	struct soap_answer a;
	struct fault f = FAULT_INIT;
	struct arena arena;

	arena_init(&arena, (size_t)64 * 1024 * 1024);
	if (soap_parse(&arena, file, &a, &f) == 0) {
		konica(&a);
		kyocera(&a);
	}
	arena_fini(&arena);
	steps(file);
	return 0;
}
