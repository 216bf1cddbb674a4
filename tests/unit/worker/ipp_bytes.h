// SPDX-License-Identifier: Apache-2.0
/* A small writer of IPP answers, by hand: not the library that reads them. */
#pragma once

#include <string.h>

#include "common/base/buf.h"

static inline void u16(struct buf *b, unsigned n)
{
	buf_addc(b, (char)(n >> 8));
	buf_addc(b, (char)n);
}

static inline void begin(struct buf *b, unsigned status)
{
	*b = BUF_INIT;
	u16(b, 0x0200);
	u16(b, status);
	u16(b, 0);
	u16(b, 1);
	buf_addc(b, 1); /* operation group */
}

static inline void value(struct buf *b, int tag, const char *name, const void *p, size_t n)
{
	buf_addc(b, (char)tag);
	u16(b, (unsigned)strlen(name));
	buf_adds(b, name);
	u16(b, (unsigned)n);
	buf_add(b, p, n);
}

static inline void string(struct buf *b, int tag, const char *name, const char *s)
{
	value(b, tag, name, s, strlen(s));
}

static inline void number(struct buf *b, int tag, const char *name, uint32_t n)
{
	uint8_t be[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	value(b, tag, name, be, 4);
}

enum {
	INTEGER = 0x21,
	ENUM = 0x23,
	TEXT = 0x41,
	KEYWORD = 0x44,
	URI = 0x45,
	CHARSET = 0x47,
	LANGUAGE = 0x48
};

static inline void operation(struct buf *b)
{
	string(b, CHARSET, "attributes-charset", "utf-8");
	string(b, LANGUAGE, "attributes-natural-language", "en");
	buf_addc(b, 4); /* printer group */
}

static inline void end(struct buf *b)
{
	buf_addc(b, 3);
}
