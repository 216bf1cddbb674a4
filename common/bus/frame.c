// SPDX-License-Identifier: Apache-2.0
/* The SP wire: hello and frames. Pure; fuzzed by tests/fuzz/fuzz_bus_frame.c. */
#include "common/bus/frame.h"

#include <string.h>

const uint8_t SAY_PING[SAY_SIZE] = {0x93, 0xcd, 0x00, 0x03, 0x80, 0x80};
const uint8_t SAY_OK[SAY_SIZE] = {0x93, 0xcd, 0x00, 0x02, 0x80, 0x80};
const uint8_t SAY_HEARTBEAT[SAY_SIZE] = {0x93, 0xcd, 0x00, 0xe0, 0x80, 0x80};

static uint64_t get_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void put_be(uint8_t *p, size_t n, uint64_t v)
{
	for (size_t i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

/* The lowest bit tells the two ends of a pair apart. */
static uint16_t peer_of(enum sp_proto ours)
{
	return (uint16_t)ours ^ 1u;
}

static void hello_fill(uint8_t out[static HELLO_SIZE], uint16_t proto)
{
	const uint8_t hello[HELLO_SIZE] = {0, 'S', 'P', 0};

	memcpy(out, hello, HELLO_SIZE);
	put_be(out + 4, 2, proto);
}

void hello_write(uint8_t out[static HELLO_SIZE], enum sp_proto ours)
{
	hello_fill(out, (uint16_t)ours);
}

enum frame_state hello_read(struct span in, enum sp_proto ours)
{
	uint8_t want[HELLO_SIZE];
	size_t n = size_min(in.n, HELLO_SIZE);

	hello_fill(want, peer_of(ours));
	if (n > 0 && memcmp(in.p, want, n) != 0)
		return FRAME_REFUSED;
	return n < HELLO_SIZE ? FRAME_PART : FRAME_WHOLE;
}

#define IPC_MESSAGE 1u /* the only type there is */

size_t frame_head(uint8_t out[static FRAME_HEAD_MAX], struct wire wire, uint32_t id, size_t body)
{
	size_t at = wire.ipc, id_size = sp_has_id(wire.ours) ? 4 : 0;

	out[0] = IPC_MESSAGE;
	put_be(out + at, 8, body + id_size);
	put_be(out + at + 8, id_size, id);
	return at + 8 + id_size;
}

enum frame_state frame_read(struct span in, struct wire wire, size_t max_body,
	struct frame *ret_frame, size_t *ret_size)
{
	size_t at = wire.ipc, id_size = sp_has_id(wire.ours) ? 4 : 0, head = at + 8 + id_size;

	*ret_size = 0;
	if (wire.ipc && in.n > 0 && in.p[0] != IPC_MESSAGE)
		return FRAME_REFUSED;
	if (in.n < at + 8)
		return FRAME_PART;
	uint64_t length = get_be(in.p + at, 8);
	if (length < id_size || length - id_size > max_body)
		return FRAME_REFUSED;
	*ret_size = at + 8 + (size_t)length;
	if (id_size > 0 && in.n >= head && (in.p[at + 8] & 0x80) == 0)
		return FRAME_REFUSED;
	if (in.n < *ret_size)
		return FRAME_PART;
	ret_frame->id = (uint32_t)get_be(in.p + at + 8, id_size);
	ret_frame->body = (struct span){in.p + head, (size_t)length - id_size};
	return FRAME_WHOLE;
}

bool frame_says(struct span body, const uint8_t what[static SAY_SIZE])
{
	return body.n == SAY_SIZE && memcmp(body.p, what, SAY_SIZE) == 0;
}
