// SPDX-License-Identifier: Apache-2.0
/* A vault in a bucket. What is on its way stays with us, bounded, until it gets its name: a name is
 * given once, with all of its bytes. Where the server refuses to give a name twice (asked once, by
 * doing it), that is left to it; where it does not, we look before. Either way what counts is what
 * is read back, over a connection of its own (ST-11). */
#include "services/storage/vaults/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock/clock.h"
#include "common/vault/spool.h"
#include "services/storage/vaults/s3_answer.h"
#include "services/storage/vaults/s3_link.h"
#include "services/storage/vaults/s3_upload.h"

#define IN_MEMORY ((size_t)64 * 1024) /* of a file on its way */
#define PIECE ((uint64_t)1024 * 1024) /* of a file being read */
#define PAGES 100000u
#define ARENA ((size_t)32 * 1024 * 1024)

struct s3 {
	struct vault_remote base;
	struct s3_link writing, reading;
	const struct vault *home; /* where files on their way may go */
	bool probed;
	uint64_t swept_ms; /* monotonic: when uploads were last looked at; 0 = never */
};

struct s3_put {
	struct remote_put base;
	struct spool *spool;
};

struct s3_reader {
	struct remote_reader base;
	struct s3 *s3;
	char name[VAULT_NAME_MAX], etag[128];
	struct s3_answer piece;
	size_t at;            /* in the piece */
	uint64_t next, total; /* where the next piece begins */
};

static struct s3 *of(struct vault_remote *r)
{
	return container_of(r, struct s3, base);
}

/* A request whose answer is of no interest. */
static int just_do(struct s3_link *l, const struct s3_call *c, struct fault *reterr)
{
	struct s3_answer a;
	int rc = s3_do(l, c, &a, reterr);
	s3_answer_fini(&a);
	return rc;
}

/* ---- places ---- */

/* The next request tells; whoever asks reads the marker. */
static int op_check(struct vault_remote *r, struct fault *reterr)
{
	(void)r;
	(void)reterr;
	return 0;
}

/* There are no folders. */
static int op_make(struct vault_remote *r, const char *folder, struct fault *reterr)
{
	(void)r;
	(void)folder;
	(void)reterr;
	return 0;
}

static int bad_answer(const struct s3 *s, const struct fault *why, struct fault *reterr)
{
	struct fault f = *why;
	return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_protocol",
		"%.100s: an answer that is none of S3: %.120s", s->base.place, f.detail);
}

static int get_page(struct s3 *s, const char *prefix, const char *from, struct arena *a,
	struct s3_page *ret, struct fault *reterr)
{
	struct buf query = BUF_INIT;
	struct s3_answer answer;
	struct fault why;
	if (from != NULL) {
		buf_adds(&query, "continuation-token=");
		s3_encode(&query, from, false);
		buf_addc(&query, '&');
	}
	buf_adds(&query, "delimiter=%2F&list-type=2&prefix=");
	s3_encode(&query, prefix, false);
	const struct s3_call c = {.method = "GET", .query = buf_str(&query)};
	int rc = s3_do(&s->writing, &c, &answer, reterr);
	if (rc == 0 && s3_names_read(a, buf_span(&answer.body), prefix, ret, &why) < 0)
		rc = bad_answer(s, &why, reterr);
	s3_answer_fini(&answer);
	buf_fini(&query);
	return rc;
}

static int give_names(const struct s3_page *page, int (*fn)(void *arg, const char *name), void *arg)
{
	int rc = 0;
	for (size_t i = 0; i < page->n && rc == 0; i++)
		if (page->names[i][0] != '.')
			rc = fn(arg, page->names[i]);
	return rc;
}

static int op_list(struct vault_remote *r, const char *folder,
	int (*fn)(void *arg, const char *name), void *arg, struct fault *reterr)
{
	struct s3 *s = of(r);
	char prefix[sizeof(s->writing.target.prefix) + VAULT_NAME_MAX];
	char *from = NULL;
	bool root = strcmp(folder, ".") == 0;
	int rc = 0;
	(void)snprintf(prefix, sizeof(prefix), "%s%s%s", s->writing.target.prefix,
		root ? "" : folder, root ? "" : "/");
	for (unsigned pages = 0; rc == 0; pages++) {
		struct s3_page page;
		struct arena a;
		arena_init(&a, ARENA);
		rc = pages == PAGES ? fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_protocol",
					      "%s: a list without an end", r->place)
				    : get_page(s, prefix, from, &a, &page, reterr);
		free(from);
		from = NULL;
		if (rc == 0)
			rc = give_names(&page, fn, arg);
		if (rc == 0 && page.next != NULL)
			from = mem_strdup(page.next);
		arena_fini(&a);
		if (from == NULL)
			break;
	}
	free(from);
	return rc;
}

static int why_not(struct s3 *s, struct fault *reterr)
{
	const struct s3_call c = {.method = "GET", .query = "list-type=2&max-keys=1"};
	struct fault told = FAULT_INIT;
	if (just_do(&s->writing, &c, &told) < 0)
		*reterr = told;
	return -1;
}

/* "Sat, 21 Nov 2026 20:00:00 GMT"; never 0. */
static uint64_t date_ms(const char *text)
{
	struct tm tm = {.tm_sec = 0};
	if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		return 1;
	time_t at = timegm(&tm);
	return at > 0 ? (uint64_t)at * 1000 : 1;
}

static int op_stat(
	struct vault_remote *r, const char *name, struct remote_stat *ret, struct fault *reterr)
{
	struct s3 *s = of(r);
	struct s3_answer a;
	char text[64] = "";
	const struct s3_call c = {.method = "HEAD", .name = name};
	int rc = s3_do(&s->writing, &c, &a, reterr);
	if (rc == 0) {
		ret->size = 0;
		if (http_header(buf_str(&a.headers), "Content-Length", text, sizeof(text)) != NULL)
			ret->size = strtoull(text, NULL, 10);
		text[0] = 0;
		(void)http_header(buf_str(&a.headers), "Last-Modified", text, sizeof(text));
		ret->changed_ms = date_ms(text);
	}
	s3_answer_fini(&a);
	/* an answer to HEAD has no words */
	return rc < 0 && reterr->code == CN_STORE_UNAVAILABLE ? why_not(s, reterr) : rc;
}

static int op_remove(struct vault_remote *r, const char *name, struct fault *reterr)
{
	const struct s3_call c = {.method = "DELETE", .name = name};
	int rc = just_do(&of(r)->writing, &c, reterr);
	if (rc == 0 || reterr->code != CN_NOT_FOUND)
		return rc;
	*reterr = FAULT_INIT;
	return 0;
}

static bool op_space(struct vault_remote *r, uint64_t *ret_free, uint64_t *ret_size)
{
	(void)r;
	(void)ret_free;
	(void)ret_size;
	return false;
}

static void op_forget(struct vault_remote *r)
{
	s3_link_close(&of(r)->reading);
}

static void op_close(struct vault_remote *r)
{
	struct s3 *s = of(r);
	s3_link_close(&s->reading);
	s3_link_close(&s->writing);
	secret_free(s->writing.target.login);
	free(s);
}

/* ---- what the server can do ---- */

/* Does it refuse a name that is taken? A name of its own is asked for, twice when it was free: this
 * needs no right to delete. */
static int op_probe(struct vault_remote *r, struct fault *reterr)
{
	struct s3 *s = of(r);
	static const char text[] = "Carnet asks here whether a name is given twice.\n";
	const struct s3_call c = {.method = "PUT",
		.name = "tmp/probe",
		.extra = {{"if-none-match", "*"}},
		.n_extra = 1,
		.body = {(const uint8_t *)text, sizeof(text) - 1}};
	r->never_twice = false;
	for (int i = 0; i < 2 && !r->never_twice; i++) {
		struct s3_answer a;
		int rc = s3_do(&s->writing, &c, &a, reterr);
		bool unable = rc < 0 && a.status == 501;
		r->never_twice = rc < 0 && reterr->code == CN_CONFLICT;
		s3_answer_fini(&a);
		if (rc < 0 && !unable && !r->never_twice)
			return -1;
		*reterr = FAULT_INIT;
		if (unable)
			break;
	}
	s->probed = true;
	return 0;
}

/* Once a day; that it cannot be done is no reason to copy nothing. */
static void sweep(struct s3 *s)
{
	uint64_t now = clock_mono_ms();
	struct fault ignored;
	if (s->swept_ms != 0 && now - s->swept_ms < UPLOAD_STALE_MS)
		return;
	s->swept_ms = now;
	(void)!s3_uploads_sweep(&s->writing, &ignored);
}

/* ---- writing ---- */

static struct remote_put *op_create(struct vault_remote *r, const char *temp, struct fault *reterr)
{
	struct s3_put *p = mem_alloc(sizeof(*p));
	(void)temp;
	(void)reterr;
	p->spool = spool_new(of(r)->home->tmp, IN_MEMORY);
	return &p->base;
}

static int op_write(struct remote_put *put, struct span bytes, struct fault *reterr)
{
	return spool_add(container_of(put, struct s3_put, base)->spool, bytes, reterr);
}

static int op_finish(struct remote_put *put, struct fault *reterr)
{
	return spool_rewind(container_of(put, struct s3_put, base)->spool, reterr);
}

static void op_discard(struct vault_remote *r, struct remote_put *put, const char *temp)
{
	struct s3_put *p = container_of(put, struct s3_put, base);
	(void)r;
	(void)temp;
	spool_free(p->spool);
	free(p);
}

static int put_whole(
	struct s3 *s, const struct s3_put *p, const char *name, bool once, struct fault *reterr)
{
	struct buf bytes = BUF_INIT, sum = BUF_INIT;
	base64_encode((struct span){p->base.digest, SHA256_LEN}, &sum);
	int rc = spool_read_all(p->spool, &bytes, reterr);
	struct s3_call c = {.method = "PUT", .name = name, .body = buf_span(&bytes)};
	if (once)
		c.extra[c.n_extra++] = (struct s3_header){"if-none-match", "*"};
	c.extra[c.n_extra++] = (struct s3_header){"x-amz-checksum-sha256", buf_str(&sum)};
	if (rc == 0)
		rc = just_do(&s->writing, &c, reterr);
	buf_fini(&bytes);
	buf_fini(&sum);
	return rc;
}

static int op_publish(struct vault_remote *r, struct remote_put *put, const struct vault_file *f,
	bool replace, struct fault *reterr)
{
	struct s3 *s = of(r);
	const struct s3_put *p = container_of(put, struct s3_put, base);
	struct remote_stat there;
	if (!s->probed && op_probe(r, reterr) < 0)
		return -1;
	bool once = !replace && r->never_twice;
	if (!replace && !once) {
		if (op_stat(r, f->name, &there, reterr) == 0)
			return fault_why(reterr, CN_CONFLICT, "name_taken", "%s is there", f->name);
		if (reterr->code != CN_NOT_FOUND)
			return -1;
		*reterr = FAULT_INIT;
	}
	if (spool_size(p->spool) <= UPLOAD_PART)
		return put_whole(s, p, f->name, once, reterr);
	sweep(s);
	return s3_upload(&s->writing, f->name, p->spool, once, reterr);
}

/* ---- reading ---- */

/* "bytes 0-9/100": where the piece lies in all of it. */
static bool range_of(const struct s3_answer *a, uint64_t *ret_first, uint64_t *ret_total)
{
	char text[96];
	unsigned long long first, last, total;
	int end = 0;
	if (http_header(buf_str(&a->headers), "Content-Range", text, sizeof(text)) == NULL ||
		sscanf(text, "bytes %19llu-%19llu/%19llu%n", &first, &last, &total, &end) != 3 ||
		text[end] != 0 || last < first || last - first + 1 != a->body.n || last >= total)
		return false;
	*ret_first = first;
	*ret_total = total;
	return true;
}

static int place_piece(struct s3_reader *p, struct fault *reterr)
{
	const struct s3_answer *a = &p->piece;
	uint64_t first = 0, total = a->status == 416 ? p->next : a->body.n;
	bool known = a->status == 206 ? range_of(a, &first, &total)
				      : p->next == 0; /* an empty file, or all of it at once */
	if (!known || first != p->next || (p->next > 0 && total != p->total))
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_protocol",
			"%s: the server sends other bytes than asked for", p->name);
	if (a->status == 416)
		buf_reset(&p->piece.body);
	p->total = total;
	p->next += p->piece.body.n;
	p->at = 0;
	return 0;
}

static int fetch(struct s3_reader *p, struct fault *reterr)
{
	char range[64];
	(void)snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)p->next,
		(unsigned long long)(p->next + PIECE - 1));
	struct s3_call c = {.method = "GET", .name = p->name, .max_answer = PIECE};
	if (p->etag[0] != 0) /* all pieces are of the same file */
		c.extra[c.n_extra++] = (struct s3_header){"if-match", p->etag};
	c.extra[c.n_extra++] = (struct s3_header){"range", range};
	s3_answer_fini(&p->piece);
	int rc = s3_do(&p->s3->reading, &c, &p->piece, reterr);
	if (rc < 0 && reterr->code == CN_CONFLICT)
		return fault_why(reterr, CN_STORE_UNAVAILABLE, "vault_lost",
			"%s was changed while it was read", p->name);
	if (rc < 0)
		return -1;
	(void)http_header(buf_str(&p->piece.headers), "ETag", p->etag, sizeof(p->etag));
	return place_piece(p, reterr);
}

static void op_reader_free(struct remote_reader *base)
{
	struct s3_reader *p = container_of(base, struct s3_reader, base);
	s3_answer_fini(&p->piece);
	free(p);
}

static struct remote_reader *op_reader(
	struct vault_remote *r, const char *name, struct fault *reterr)
{
	struct s3_reader *p = mem_alloc(sizeof(*p));
	p->s3 = of(r);
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	if (fetch(p, reterr) == 0)
		return &p->base;
	op_reader_free(&p->base);
	return NULL;
}

static ssize_t op_read(struct remote_reader *base, uint8_t *out, size_t n, struct fault *reterr)
{
	struct s3_reader *p = container_of(base, struct s3_reader, base);
	if (p->at == p->piece.body.n && p->next == p->total)
		return 0;
	if (p->at == p->piece.body.n && fetch(p, reterr) < 0)
		return -1;
	n = size_min(n, p->piece.body.n - p->at);
	memcpy(out, p->piece.body.p + p->at, n);
	p->at += n;
	return (ssize_t)n;
}

static const struct remote_ops S3 = {
	.kind = "s3",
	.has_temp = false,
	.check = op_check,
	.probe = op_probe,
	.make = op_make,
	.create = op_create,
	.write = op_write,
	.finish = op_finish,
	.publish = op_publish,
	.discard = op_discard,
	.reader = op_reader,
	.read = op_read,
	.reader_free = op_reader_free,
	.list = op_list,
	.stat = op_stat,
	.remove = op_remove,
	.space = op_space,
	.forget = op_forget,
	.close = op_close,
};

struct vault_remote *s3_new(const struct vault_address *a, struct secret *login,
	struct remote_opts opts, struct fault *reterr)
{
	struct s3_target t = {.login = login, .timeout_ms = opts.timeout_ms, .where = opts.where};
	if (s3_address(a, &t, reterr) < 0) {
		secret_free(login);
		return NULL;
	}
	(void)snprintf(t.ca_file, sizeof(t.ca_file), "%s", opts.ca_file);
	struct s3 *s = mem_alloc(sizeof(*s));
	*s = (struct s3){.base = {.ops = &S3},
		.writing = {.target = t},
		.reading = {.target = t},
		.home = opts.home};
	(void)snprintf(s->base.place, sizeof(s->base.place), "%s", a->place);
	return &s->base;
}
