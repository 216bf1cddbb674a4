// SPDX-License-Identifier: Apache-2.0
/* Replies of an FTP server. */
#include "services/worker/adapters/ftp_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

enum { REPLY_MAX = 16 * 1024 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "226 " or "226-", 0 = neither. */
static int code_of(const char *line, char *ret_mark)
{
	if (line[0] < '1' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
		return 0;
	*ret_mark = line[3] ? line[3] : ' ';
	return *ret_mark == ' ' || *ret_mark == '-'
		       ? (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0')
		       : 0;
}

static void keep_text(const char *line, struct ftp_reply *ret)
{
	const char *text = line[3] ? line + 4 : "";

	snprintf(ret->text, sizeof(ret->text), "%s", text);
	for (char *p = ret->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* A line is there. 1, 0 or -1 as ftp_read_reply. */
static int end_line(struct ftp_reader *r, struct ftp_reply *ret, struct fault *reterr)
{
	char mark = 0;
	int code;

	r->line[r->n] = 0;
	if (r->n > 0 && r->line[r->n - 1] == '\r')
		r->line[r->n - 1] = 0;
	r->n = 0;
	code = code_of(r->line, &mark);
	if (r->multi && (code != r->multi || mark != ' '))
		return 0; /* lines between may say anything */
	if (code == 0)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "this is no FTP reply");
	if (mark == '-') {
		r->multi = code;
		return 0;
	}
	ret->code = code;
	keep_text(r->line, ret);
	r->multi = 0;
	r->bytes = 0;
	return 1;
}

int ftp_read_reply(
	struct ftp_reader *r, struct span *bytes, struct ftp_reply *ret, struct fault *reterr)
{
	while (bytes->n > 0) {
		char c = (char)*bytes->p;
		bytes->p++;
		bytes->n--;
		if (++r->bytes > REPLY_MAX || r->n == sizeof(r->line) - 1)
			return fault_set(reterr, CN_RESPONSE_TOO_BIG,
				"an FTP reply longer than any has to be");
		if (c != '\n') {
			r->line[r->n++] = c ? c : '?';
			continue;
		}
		int rc = end_line(r, ret, reterr);
		if (rc)
			return rc;
	}
	return 0;
}

/* "(h1,h2,h3,h4,p1,p2)", with or without brackets: six numbers in a row. */
static unsigned passive_port(const char *text)
{
	unsigned n[6];

	for (const char *p = text; *p; p++)
		if (is_digit(*p) && sscanf(p, "%3u,%3u,%3u,%3u,%3u,%3u", &n[0], &n[1], &n[2], &n[3],
					    &n[4], &n[5]) == 6)
			return n[4] < 256 && n[5] < 256 ? n[4] * 256 + n[5] : 0;
	return 0;
}

/* "(|||6446|)", the bar is any character. */
static unsigned extended_port(const char *text)
{
	const char *p = strchr(text, '(');
	char *end;
	unsigned long n;

	if (!p || !p[1] || p[2] != p[1] || p[3] != p[1] || !is_digit(p[4]))
		return 0;
	n = strtoul(p + 4, &end, 10);
	return *end == p[1] && n < 65536 ? (unsigned)n : 0;
}

uint16_t ftp_data_port(const struct ftp_reply *r)
{
	unsigned port = r->code == 227   ? passive_port(r->text)
			: r->code == 229 ? extended_port(r->text)
					 : 0;

	return port >= 1024 ? (uint16_t)port : 0;
}
