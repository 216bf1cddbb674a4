// SPDX-License-Identifier: Apache-2.0
/* The frame parser over bytes from a peer: byte 0 picks protocol and transport, the rest is the
 * stream. What it takes must be what frame_head would write, and a cut stream must say the same up
 * to the cut.
 */
#include <stdlib.h>
#include <string.h>

#include "common/bus/frame.h"

#define MAX ((size_t)512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_whole(struct wire wire, const uint8_t *at, const struct frame *f, size_t n)
{
	uint8_t head[FRAME_HEAD_MAX];
	size_t head_n = frame_head(head, wire, f->id, f->body.n);

	bug_if(f->body.n > MAX || head_n + f->body.n != n || memcmp(head, at, head_n) != 0);
	bug_if(f->body.p != at + head_n);
	bug_if(sp_has_id(wire.ours) && (f->id & FRAME_ID_BIT) == 0);
}

static void check_cut(struct wire wire, const uint8_t *at, size_t n)
{
	struct frame f;
	size_t size;

	/* an exact copy, so that a read behind the end is seen */
	uint8_t *cut = malloc(n - 1);
	bug_if(cut == NULL);
	memcpy(cut, at, n - 1);
	bug_if(frame_read((struct span){cut, n - 1}, wire, MAX, &f, &size) != FRAME_PART);
	bug_if(size != n);
	free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum sp_proto all[] = {SP_PUB, SP_SUB, SP_REQ, SP_REP};

	if (size < 1)
		return 0;
	struct wire wire = {all[data[0] % array_len(all)], (data[0] & 0x80) != 0};
	struct span rest = {data + 1, size - 1};
	if (hello_read(rest, wire.ours) == FRAME_WHOLE)
		rest = (struct span){rest.p + HELLO_SIZE, rest.n - HELLO_SIZE};
	for (;;) {
		struct frame f;
		size_t n = 0;
		if (frame_read(rest, wire, MAX, &f, &n) != FRAME_WHOLE)
			return 0;
		check_whole(wire, rest.p, &f, n);
		if (n > 8 + (size_t)wire.ipc)
			check_cut(wire, rest.p, n);
		rest = (struct span){rest.p + n, rest.n - n};
	}
}
