// SPDX-License-Identifier: Apache-2.0
/* The SP wire (docs/spec/bus.md section 3) as pure functions over bytes: hello and frames. */
#pragma once

#include "common/base/base.h"

/* Ours; the peer of REQ is REP, of PUB is SUB. */
enum sp_proto { SP_PUB = 0x20, SP_SUB = 0x21, SP_REQ = 0x30, SP_REP = 0x31 };

#define HELLO_SIZE 8u      /* bytes of a hello */
#define FRAME_HEAD_MAX 13u /* type byte, length and request id */
#define FRAME_ID_BIT 0x80000000u
#define FRAME_PING_BIT 0x40000000u /* ids of pings, never of calls */

/* How one connection speaks. */
struct wire {
	enum sp_proto ours;
	bool ipc; /* SP over ipc puts a byte 1 before each length */
};

/* One whole frame inside somebody's buffer. */
struct frame {
	uint32_t id;      /* request id, 0 without one */
	struct span body; /* behind the id */
};

enum frame_state {
	FRAME_WHOLE,
	FRAME_PART,    /* bytes are missing */
	FRAME_REFUSED, /* too long, or no request id where one must be: close */
};

void hello_write(uint8_t out[static HELLO_SIZE], enum sp_proto ours);
/* FRAME_REFUSED as soon as a byte is wrong. in may be longer than a hello. */
enum frame_state hello_read(struct span in, enum sp_proto ours);

static inline bool sp_has_id(enum sp_proto p)
{
	return p == SP_REQ || p == SP_REP;
}

/* Length word and, for REQ and REP, id. Returns the bytes written. */
size_t frame_head(uint8_t out[static FRAME_HEAD_MAX], struct wire wire, uint32_t id, size_t body);

/* Looks at the first frame of in. FRAME_WHOLE: *ret_frame is set and *ret_size is its size on the
 * wire. FRAME_PART: *ret_size is that size when the length word is there, else 0. A body above
 * max_body is refused from its length word alone. Allocates nothing. */
enum frame_state frame_read(struct span in, struct wire wire, size_t max_body,
	struct frame *ret_frame, size_t *ret_size) must_check;

/* What the bus says for itself: the shortest Carnet frames `ping`, `ok` and `heartbeat` with an
 * empty header and an empty body. They never reach a service. */
#define SAY_SIZE 6u
extern const uint8_t SAY_PING[SAY_SIZE], SAY_OK[SAY_SIZE], SAY_HEARTBEAT[SAY_SIZE];
bool frame_says(struct span body, const uint8_t what[static SAY_SIZE]);
