// SPDX-License-Identifier: Apache-2.0
/* Frames and JSON from outside. First byte: even = a frame follows, odd = the next byte picks a
 * descriptor and JSON text follows. What is accepted must be written again, and read back alike. */
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "gen/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What decode gave, encode takes; and what encode wrote, decode takes and encode repeats. */
static void check_again(const struct msg_desc *desc, const struct msg_header *header, void *body)
{
	struct buf once = BUF_INIT;
	struct buf twice = BUF_INIT;
	struct arena arena;
	struct msg_header back;
	struct fault err = FAULT_INIT;

	arena_init(&arena, 0);
	msg_encode(&once, desc, header, body);
	bug_if(once.err);
	bug_if(msg_decode(buf_span(&once), &arena, &desc, &back, &body, &err) != 0);
	msg_encode(&twice, desc, &back, body);
	bug_if(twice.err || twice.n != once.n || memcmp(once.p, twice.p, once.n) != 0);
	json_t *j = msg_to_json_full(desc, body);
	bug_if(j == NULL);
	json_decref(j);
	buf_fini(&once);
	buf_fini(&twice);
	arena_fini(&arena);
}

static void fuzz_frame(struct span frame)
{
	struct arena arena;
	const struct msg_desc *desc;
	struct msg_header header;
	struct fault err = FAULT_INIT;
	void *body;

	arena_init(&arena, 0);
	if (msg_decode(frame, &arena, &desc, &header, &body, &err) == 0)
		check_again(desc, &header, body);
	else
		/* CN_INTERNAL_ERROR: msgpack refused what the pre-scan let pass */
		bug_if(err.code == 0 || err.code == CN_INTERNAL_ERROR || err.detail[0] == '\0');
	/* decode may round each allocation up to 16 bytes */
	bug_if(arena.used > 16 * ((size_t)64 * 1024 + 32 * frame.n));
	arena_fini(&arena);
}

static void fuzz_json(const struct msg_desc *desc, const char *text, size_t n)
{
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	struct arena arena;
	struct msg_header header = {.protocol = MSG_PROTOCOL};
	struct fault err = FAULT_INIT;
	void *body;

	if (j == NULL)
		return;
	arena_init(&arena, (size_t)16 * 1024 * 1024);
	if (msg_from_json(desc, j, &arena, &body, &err) != 0)
		bug_if(err.code == 0 || err.reason[0] == '\0');
	else if (desc->id != 0)
		check_again(desc, &header, body);
	arena_fini(&arena);
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2)
		return 0;
	if (data[0] % 2 == 0)
		fuzz_frame((struct span){data + 1, n - 1});
	else
		fuzz_json(msg_all[data[1] % msg_all_n], (const char *)data + 2, n - 2);
	return 0;
}
