// SPDX-License-Identifier: Apache-2.0
/* Headers are short ASCII or encoded words, bodies short ASCII lines or base64: no server on the
 * way has a reason to change a byte. */
#include "common/mail/message.h"

#include <string.h>

#include "common/base/ascii.h"
#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/text/unicode.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define LINE_MAX_BYTES 76
#define WORD_BYTES 39 /* in base64, with its frame, behind the longest name of a header */
#define BOUNDARY 33

/* ---- addresses ---- */

static bool plain_local(const char *s, size_t n)
{
	if (n == 0 || n > 64 || s[0] == '.' || s[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' && s[i + 1] == '.')
			return false;
		if (!ascii_alpha(s[i]) && !ascii_digit(s[i]) &&
			(s[i] == 0 || strchr("!#$%&'*+-/=?^_`{|}~.", s[i]) == NULL))
			return false;
	}
	return true;
}

static bool plain_domain(const char *s)
{
	size_t label = 0;
	for (; *s != 0; s++) {
		bool letter = ascii_alpha(*s) || ascii_digit(*s);
		if (*s == '.' && label > 0 && s[-1] != '-')
			label = 0;
		else if ((letter || (*s == '-' && label > 0)) && label < 63)
			label++;
		else
			return false;
	}
	return label > 0 && s[-1] != '-';
}

int mail_address(const char *given, char ret[static MAIL_ADDRESS_SIZE], struct fault *reterr)
{
	const char *at = strrchr(given, '@');
	struct buf out = BUF_INIT;
	bool good = at != NULL && utf8_valid(given, strlen(given)) &&
		    plain_local(given, (size_t)(at - given));
	if (good) {
		buf_add(&out, given, (size_t)(at - given) + 1);
		good = host_canonical(at + 1, &out) == 0 && out.n < MAIL_ADDRESS_SIZE &&
		       plain_domain(strrchr(buf_str(&out), '@') + 1);
	}
	if (good)
		memcpy(ret, buf_str(&out), out.n + 1);
	buf_fini(&out);
	if (good)
		return 0;
	return fault_why(
		reterr, CN_VALIDATION_FAILED, "mail_address", "'%.80s' is no mail address", given);
}

/* ---- headers ---- */

static int no_header(struct fault *reterr, const char *what)
{
	return fault_why(reterr, CN_VALIDATION_FAILED, "mail_header",
		"%s would break the head of the mail", what);
}

/* Nothing that begins a line, nothing that is no text. */
static bool one_line(const char *s)
{
	for (const char *p = s; *p != 0; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return utf8_valid(s, strlen(s)) && strlen(s) <= 1000;
}

/* Marks that deceive a reader become visible; line ends are as they were. */
static void visible(const char *s, struct buf *out)
{
	size_t n = strlen(s), len;
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = 0xfffd;
		len = utf8_read((const uint8_t *)s + i, n - i, &c);
		if (len == 0) {
			buf_adds(out, "\xef\xbf\xbd");
			len = 1;
		} else if (c == '\n' || c == '\t' || !utf8_deceives(c)) {
			buf_add(out, s + i, len);
		} else if (c != '\r' || s[i + 1] != '\n') {
			buf_addf(out, "\\u{%x}", (unsigned)c);
		}
	}
}

static bool needs_words(const char *s)
{
	for (const char *p = s; *p != 0; p++)
		if ((unsigned char)*p >= 0x80)
			return true;
	return strlen(s) > 60 || strstr(s, "=?") != NULL || s[0] == ' ' || s[0] == 0;
}

/* RFC 2047, each word whole characters, one per line. */
static void add_words(struct buf *out, const char *s)
{
	for (size_t n; *s != 0; s += n) {
		n = utf8_cut(s, WORD_BYTES);
		buf_adds(out, "=?UTF-8?B?");
		base64_encode((struct span){(const uint8_t *)s, n}, out);
		buf_adds(out, s[n] == 0 ? "?=" : "?=\r\n ");
	}
}

static void add_subject(struct buf *out, const char *s)
{
	struct buf shown = BUF_INIT;
	visible(s, &shown);
	buf_adds(out, "Subject: ");
	if (needs_words(buf_str(&shown)))
		add_words(out, buf_str(&shown));
	else
		buf_adds(out, buf_str(&shown));
	buf_adds(out, "\r\n");
	buf_fini(&shown);
}

static void add_from(struct buf *out, const struct mail *m)
{
	struct buf shown = BUF_INIT;
	buf_adds(out, "From: ");
	if (m->from_name != NULL && m->from_name[0] != 0) {
		visible(m->from_name, &shown);
		add_words(out, buf_str(&shown));
		buf_adds(out, "\r\n ");
	}
	buf_addf(out, "<%s>\r\n", m->from);
	buf_fini(&shown);
}

static int add_head(const struct mail *m, struct buf *out, struct fault *reterr)
{
	char date[CLOCK_RFC5322], id[37], address[MAIL_ADDRESS_SIZE];
	if (!one_line(m->subject))
		return no_header(reterr, "the subject");
	if (m->from_name != NULL && !one_line(m->from_name))
		return no_header(reterr, "the name of the sender");
	if (m->to_n == 0 || m->to_n > MAIL_TO_MAX)
		return fault_why(reterr, CN_VALIDATION_FAILED, "mail_address",
			"%zu recipients, 1 to %d are possible", m->to_n, MAIL_TO_MAX);
	if (mail_address(m->from, address, reterr) < 0)
		return -1;
	add_from(out, m);
	for (size_t i = 0; i < m->to_n; i++) {
		if (mail_address(m->to[i], address, reterr) < 0)
			return -1;
		buf_addf(out, "%s<%s>%s", i == 0 ? "To: " : " ", address,
			i + 1 < m->to_n ? ",\r\n" : "\r\n");
	}
	add_subject(out, m->subject);
	uuid_format(&m->id, id);
	buf_addf(out, "Date: %s\r\nMessage-ID: <%s%s>\r\n", clock_rfc5322(m->at_ms, date), id,
		strrchr(m->from, '@'));
	/* nobody's holiday note answers a machine (RFC 3834) */
	buf_adds(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
	if (m->urgent)
		buf_adds(out, "X-Priority: 1\r\nImportance: high\r\n");
	return 0;
}

/* ---- bodies ---- */

static void add_base64(struct buf *out, struct span bytes)
{
	const size_t piece = LINE_MAX_BYTES / 4 * 3;
	for (size_t at = 0; at < bytes.n; at += piece) {
		base64_encode((struct span){bytes.p + at, size_min(piece, bytes.n - at)}, out);
		buf_adds(out, "\r\n");
	}
}

static bool short_ascii(const struct buf *text)
{
	size_t line = 0;
	for (size_t i = 0; i < text->n; i++) {
		if (text->p[i] >= 0x80 || ++line > LINE_MAX_BYTES + 2)
			return false;
		if (text->p[i] == '\n')
			line = 0;
	}
	return true;
}

static void add_text(struct buf *out, const char *subtype, const char *s)
{
	struct buf shown = BUF_INIT, text = BUF_INIT;
	visible(s, &shown);
	for (const char *p = buf_str(&shown); *p != 0; p++) {
		if (*p == '\n')
			buf_addc(&text, '\r');
		buf_addc(&text, *p);
	}
	bool plain = short_ascii(&text);
	buf_addf(out,
		"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n",
		subtype, plain ? "7bit" : "base64");
	if (plain)
		buf_add(out, text.p, text.n);
	else
		add_base64(out, buf_span(&text));
	buf_adds(out, "\r\n");
	buf_fini(&text);
	buf_fini(&shown);
}

static void new_boundary(char out[static BOUNDARY])
{
	uint8_t random[BOUNDARY / 2];
	crypto_random(random, sizeof(random));
	hex_encode((struct span){random, sizeof(random)}, out);
}

static void open_multipart(struct buf *out, const char *subtype, const char *boundary)
{
	/* "=_" never stands in base64 */
	buf_addf(out, "Content-Type: multipart/%s;\r\n boundary=\"=_%s\"\r\n\r\n", subtype,
		boundary);
}

static void add_texts(struct buf *out, const struct mail *m)
{
	char boundary[BOUNDARY];
	if (m->html == NULL) {
		add_text(out, "plain", m->text);
		return;
	}
	new_boundary(boundary);
	open_multipart(out, "alternative", boundary);
	buf_addf(out, "--=_%s\r\n", boundary);
	add_text(out, "plain", m->text);
	buf_addf(out, "--=_%s\r\n", boundary);
	add_text(out, "html", m->html);
	buf_addf(out, "--=_%s--\r\n", boundary);
}

/* RFC 2231, when it is not a plain word. */
static void add_file_name(struct buf *out, const char *name)
{
	static const char safe[] = "-_.";
	bool plain = true;
	for (const char *p = name; *p != 0; p++)
		plain &= ascii_alpha(*p) || ascii_digit(*p) || strchr(safe, *p) != NULL;
	if (plain) {
		buf_addf(out, "filename=\"%s\"", name);
		return;
	}
	buf_adds(out, "filename*=UTF-8''");
	for (const char *p = name; *p != 0; p++) {
		if (ascii_alpha(*p) || ascii_digit(*p) || strchr(safe, *p) != NULL)
			buf_addc(out, *p);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
	}
}

static int add_file(struct buf *out, const struct mail_file *f, struct fault *reterr)
{
	if (!one_line(f->name) || strlen(f->name) > 255 || strchr(f->name, '/') != NULL)
		return no_header(reterr, "the name of a file");
	if (!one_line(f->type))
		return no_header(reterr, "the type of a file");
	buf_addf(out,
		"Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment;\r\n ",
		f->type);
	add_file_name(out, f->name);
	buf_adds(out, "\r\n\r\n");
	add_base64(out, f->bytes);
	return 0;
}

int mail_compose(const struct mail *m, struct buf *out, struct fault *reterr)
{
	char boundary[BOUNDARY];
	if (add_head(m, out, reterr) < 0)
		return -1;
	if (m->files_n == 0) {
		add_texts(out, m);
		return 0;
	}
	new_boundary(boundary);
	open_multipart(out, "mixed", boundary);
	buf_addf(out, "--=_%s\r\n", boundary);
	add_texts(out, m);
	for (size_t i = 0; i < m->files_n; i++) {
		buf_addf(out, "--=_%s\r\n", boundary);
		if (add_file(out, &m->files[i], reterr) < 0)
			return -1;
	}
	buf_addf(out, "--=_%s--\r\n", boundary);
	return 0;
}
