// SPDX-License-Identifier: Apache-2.0
/* What anybody may send to a scan: any bytes. What is taken lies inside of the datagram, texts come
 * out clean, and an agent that stumbles is not asked for ever. */
#include <string.h>

#include "services/worker/discover/found.h"
#include "services/worker/discover/usm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void clean(const char *text, size_t max)
{
	bug_if(text != NULL && (*text == '\0' || strlen(text) > max));
	for (; text != NULL && *text != '\0'; text++)
		bug_if((unsigned char)*text < 0x20 || *text == 0x7f);
}

/* SNMPv3: opened for a user without a password, and for one whose signature nobody guesses. */
static void usm(const uint8_t *data, size_t n)
{
	static const struct usm_user open = {.name = "u"},
				     closed = {.level = USM_PRIV, .digest = DIGEST_SHA256};
	struct usm_message m;
	struct usm_answer a;
	uint8_t plain[SCAN_DATAGRAM];

	if (usm_read((struct span){data, n}, &m) < 0)
		return;
	bug_if(m.engine.n == 0 || m.engine.n > USM_ENGINE_MAX);
	(void)usm_is_hello(&m);
	for (size_t i = 0; usm_open(&m, &open, plain, sizeof(plain), &a) == 0 && i < SCAN_OBJECTS;
		i++) {
		const struct span *t = &a.said.values[i].text;
		bug_if(t->n > 0 && (t->p < data || t->p + t->n > data + n));
	}
	bug_if(usm_open(&m, &closed, plain, sizeof(plain), &a) == 0 && a.report == USM_NO_REPORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = {.cap = 65536};
	const struct errand e = {.arena = &arena};
	struct m_candidate c = {.address = "10.0.0.1"};
	struct scan_answer a;
	uint32_t objects = SCAN_ALL;

	if (scan_is_v3((struct span){data, n})) {
		usm(data, n);
		return 0;
	}
	if (scan_read((struct span){data, n}, &a) < 0)
		return 0;
	for (size_t i = 0; i < SCAN_OBJECTS; i++) {
		const struct span *t = &a.values[i].text;
		bug_if(t->n > 0 && (t->p < data || t->p + t->n > data + n));
	}
	for (int rounds = 0; (objects = scan_less(objects, &a)) != 0; rounds++)
		bug_if(rounds > SCAN_OBJECTS);
	found_snmp(&e, &a, &c);
	clean(c.name, 128);
	clean(c.serial, 64);
	clean(c.model, 64);
	clean(c.location, 128);
	clean(c.description, 256);
	clean(c.object_id, 128);
	bug_if(c.mac != NULL && strlen(c.mac) != 17);
	arena_fini(&arena);
	return 0;
}
