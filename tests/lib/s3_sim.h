// SPDX-License-Identifier: Apache-2.0
/* An S3 server for tests, in a process of its own: one bucket over a directory, signatures checked
 * by other code than the client's, and every fault that a test asks for. What it does is told
 * through memory that both processes see. Included once per program. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#pragma push_macro("unused") /* OpenSSL has parameters of this name */
#undef unused
#include <openssl/evp.h>
#include <openssl/hmac.h>
#pragma pop_macro("unused")

#include "common/base/buf.h"
#include "common/http/server.h"

#define S3_BUCKET "backups"
#define S3_ACCOUNT "AKIDEXAMPLE"
#define S3_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

enum s3_once { S3_HONOURED, S3_IGNORED, S3_NOT_IMPLEMENTED };
enum s3_fault {
	S3_NONE,
	S3_SLOW_DOWN,  /* 503 */
	S3_INTERNAL,   /* 500, not even XML */
	S3_DENIED,     /* 403 */
	S3_SKEWED,     /* 403 RequestTimeTooSkewed */
	S3_REDIRECT,   /* 301 with a region */
	S3_CUT,        /* the connection ends in the middle of the answer */
	S3_SHORT,      /* 200 or 206 with half of the bytes, well framed */
	S3_DOCTYPE,    /* an answer with entities */
	S3_DEEP,       /* elements in elements */
	S3_ENDLESS,    /* a list that says it goes on, from the start */
	S3_LOST,       /* it is done, but the answer never comes */
	S3_MUTE,       /* no answer at all */
	S3_LATE_ERROR, /* 200, and an error inside */
	S3_FULL,       /* 507 */
	S3_FLIP,       /* a byte of what is read is another one */
};

struct s3_sim {
	char dir[128];
	unsigned port;
	pid_t pid;
	int once;         /* enum s3_once */
	int fault;        /* enum s3_fault, for requests … */
	int left;         /* … so many of them */
	char only[8];     /* … of this method; "" = any */
	char within[32];  /* … whose path or query has this; "" = any */
	char region[32];  /* of the bucket */
	unsigned page;    /* names per list */
	unsigned stale_h; /* uploads say that they are so old */
	unsigned requests, refused, puts, uploads, aborted; /* seen so far */
};

static struct s3_sim *s3;

/* ---- signatures, by OpenSSL alone ---- */

static void s3_hex(const unsigned char *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		(void)sprintf(out + 2 * i, "%02x", p[i]);
}

static void s3_sha256(const void *p, size_t n, char out[65])
{
	unsigned char digest[32];
	bug_if(EVP_Digest(p, n, digest, NULL, EVP_sha256(), NULL) != 1);
	s3_hex(digest, 32, out);
}

static void s3_hmac(unsigned char key[64], int *n, const char *text)
{
	unsigned char out[64];
	unsigned len = 0;
	bug_if(HMAC(EVP_sha256(), key, *n, (const unsigned char *)text, strlen(text), out, &len) ==
		NULL);
	memcpy(key, out, len);
	*n = (int)len;
}

static void s3_escape(struct buf *out, const char *s, const char *keep)
{
	for (; *s != 0; s++)
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			(*s >= '0' && *s <= '9') || strchr(keep, *s) != NULL)
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (unsigned char)*s);
}

struct s3_params {
	char *of[16];
	size_t n;
};

static void s3_param(void *arg, const char *name, const char *value)
{
	struct s3_params *q = arg;
	struct buf b = BUF_INIT;
	s3_escape(&b, name, "-._~");
	buf_addc(&b, '=');
	s3_escape(&b, value == NULL ? "" : value, "-._~");
	if (q->n < 16)
		q->of[q->n++] = buf_detach(&b);
	buf_fini(&b);
}

static int s3_by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the sender must have hashed. */
static void s3_canonical(struct http_request *r, const char *names, char hex[65])
{
	struct buf b = BUF_INIT;
	struct s3_params q = {.n = 0};
	char copy[512], *save = NULL;
	buf_addf(&b, "%s\n", http_method(r));
	s3_escape(&b, http_path(r), "-._~/");
	buf_addc(&b, '\n');
	http_query_each(r, s3_param, &q);
	qsort(q.of, q.n, sizeof(q.of[0]), s3_by_text);
	for (size_t i = 0; i < q.n; i++) {
		buf_addf(&b, "%s%s", i == 0 ? "" : "&", q.of[i]);
		free(q.of[i]);
	}
	buf_addc(&b, '\n');
	(void)snprintf(copy, sizeof(copy), "%s", names);
	for (char *h = strtok_r(copy, ";", &save); h != NULL; h = strtok_r(NULL, ";", &save)) {
		const char *v = http_req_header(r, h);
		buf_addf(&b, "%s:%s\n", h, v == NULL ? "(none)" : v);
	}
	const char *payload = http_req_header(r, "x-amz-content-sha256");
	buf_addf(&b, "\n%s\n%s", names, payload == NULL ? "" : payload);
	s3_sha256(b.p, b.n, hex);
	buf_fini(&b);
}

static bool s3_take(const char *auth, const char *what, const char *end, char *out, size_t size)
{
	const char *p = auth == NULL ? NULL : strstr(auth, what);
	size_t n = p == NULL ? size : strcspn(p + strlen(what), end);
	if (n >= size)
		return false;
	memcpy(out, p + strlen(what), n);
	out[n] = 0;
	return true;
}

/* NULL, or S3's word for what is wrong. */
static const char *s3_refuse(struct http_request *r)
{
	char who[64], day[16], region[32], names[400], said[80], hex[65], want[65], text[400];
	unsigned char key[64] = "AWS4" S3_SECRET;
	int n = (int)strlen((char *)key);
	struct tm tm = {.tm_sec = 0};
	struct span body = http_body(r);
	const char *auth = http_req_header(r, "Authorization");
	const char *at = http_req_header(r, "x-amz-date");
	const char *sum = http_req_header(r, "x-amz-content-sha256");
	if (auth == NULL || at == NULL || sum == NULL)
		return "AccessDenied";
	if (!s3_take(auth, "Credential=", "/", who, sizeof(who)) ||
		sscanf(strchr(auth, '/'), "/%15[0-9]/%31[^/]/s3/aws4_request,", day, region) != 2 ||
		!s3_take(auth, "SignedHeaders=", ",", names, sizeof(names)) ||
		!s3_take(auth, "Signature=", " ,", said, sizeof(said)))
		return "AuthorizationHeaderMalformed";
	if (strcmp(region, s3->region) != 0)
		return "AuthorizationHeaderMalformed";
	if (strcmp(who, S3_ACCOUNT) != 0)
		return "InvalidAccessKeyId";
	if (strptime(at, "%Y%m%dT%H%M%SZ", &tm) == NULL || labs(timegm(&tm) - time(NULL)) > 900)
		return "RequestTimeTooSkewed";
	s3_canonical(r, names, hex);
	(void)snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s/%s/s3/aws4_request\n%s", at,
		day, region, hex);
	s3_hmac(key, &n, day);
	s3_hmac(key, &n, region);
	s3_hmac(key, &n, "s3");
	s3_hmac(key, &n, "aws4_request");
	s3_hmac(key, &n, text);
	s3_hex(key, 32, want);
	if (strstr(names, "host") == NULL || strcmp(want, said) != 0)
		return "SignatureDoesNotMatch";
	s3_sha256(body.p, body.n, hex);
	return strcmp(hex, sum) == 0 ? NULL : "XAmzContentSHA256Mismatch";
}

/* ---- answers ---- */

static void s3_send(struct http_request *r, unsigned status, const void *p, size_t n)
{
	http_respond(r, status, "application/xml", (struct span){p, n});
}

static void s3_error(struct http_request *r, unsigned status, const char *code)
{
	struct buf b = BUF_INIT;
	buf_addf(&b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>as the "
		"test wants it</Message><Region>%s</Region></Error>",
		code, s3->region);
	if (status == 301)
		http_set_header(r, "x-amz-bucket-region", s3->region);
	s3_send(r, status, b.p, b.n);
	buf_fini(&b);
}

static void s3_refused(struct http_request *r, const char *code)
{
	s3->refused++;
	bool form = strcmp(code, "AuthorizationHeaderMalformed") == 0 ||
		    strcmp(code, "XAmzContentSHA256Mismatch") == 0;
	s3_error(r, form ? 400 : 403, code);
}

/* Half of it, then the line is dead. */
static void s3_cut(struct http_request *r, unsigned status, const void *p, size_t n)
{
	struct http_stream *s = http_respond_stream(r, status, "application/xml", NULL, NULL, NULL);
	(void)http_stream_write(s, (struct span){p, n / 2});
	http_stream_abort(s);
}

/* ---- files ---- */

/* Of a key below the bucket; "" names are refused before. */
static void s3_file(const char *key, char out[512])
{
	(void)snprintf(out, 512, "%.100s/files/%.390s", s3->dir, key);
}

static bool s3_read_file(const char *path, struct buf *out)
{
	char piece[65536];
	FILE *f = fopen(path, "re");
	size_t n;
	if (f == NULL)
		return false;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	bool good = ferror(f) == 0; /* a folder is none */
	(void)fclose(f);
	return good;
}

static void s3_write_file(const char *path, const void *p, size_t n)
{
	char folder[512];
	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		(void)mkdir(folder, 0700);
	}
	FILE *f = fopen(path, "we");
	bug_if(f == NULL || fwrite(p, 1, n, f) != n);
	bug_if(fclose(f) != 0);
}

/* May the name be given? Answers if not. */
static bool s3_may_put(struct http_request *r, const char *path)
{
	const char *cond = http_req_header(r, "If-None-Match");
	if (cond == NULL || s3->once == S3_IGNORED)
		return true;
	if (s3->once == S3_NOT_IMPLEMENTED) {
		s3_error(r, 501, "NotImplemented");
		return false;
	}
	if (strcmp(cond, "*") != 0 || access(path, F_OK) != 0)
		return true;
	s3_error(r, 412, "PreconditionFailed");
	return false;
}

static void s3_etag(struct http_request *r, const void *p, size_t n, char out[80])
{
	char hex[65];
	s3_sha256(p, n, hex);
	(void)snprintf(out, 80, "\"%.32s\"", hex);
	if (r != NULL)
		http_set_header(r, "ETag", out);
}

static void s3_put(struct http_request *r, const char *path, int fault)
{
	char etag[80];
	struct span body = http_body(r);
	const char *sum = http_req_header(r, "x-amz-checksum-sha256");
	unsigned char digest[32], text[64];
	if (!s3_may_put(r, path))
		return;
	bug_if(EVP_Digest(body.p, body.n, digest, NULL, EVP_sha256(), NULL) != 1);
	(void)EVP_EncodeBlock(text, digest, 32);
	if (sum != NULL && strcmp(sum, (char *)text) != 0) {
		s3_error(r, 400, "BadDigest");
		return;
	}
	s3_write_file(path, body.p, body.n);
	s3->puts++;
	s3_etag(r, body.p, body.n, etag);
	if (fault == S3_LOST)
		s3_cut(r, 200, "", 0);
	else
		s3_send(r, 200, "", 0);
}

static void s3_dated(struct http_request *r, const char *path)
{
	char text[64];
	struct stat st;
	struct tm tm;
	if (stat(path, &st) == 0 && gmtime_r(&st.st_mtime, &tm) != NULL &&
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		http_set_header(r, "Last-Modified", text);
}

static void s3_get(struct http_request *r, const char *path, int fault)
{
	struct buf b = BUF_INIT;
	char etag[80], range[96];
	unsigned long first = 0, last = 0;
	const char *want = http_req_header(r, "Range"), *same = http_req_header(r, "If-Match");
	if (!s3_read_file(path, &b)) {
		s3_error(r, 404, "NoSuchKey");
		goto out;
	}
	s3_dated(r, path);
	s3_etag(r, b.p, b.n, etag);
	if (same != NULL && strcmp(same, etag) != 0) {
		s3_error(r, 412, "PreconditionFailed");
		goto out;
	}
	if (want == NULL || sscanf(want, "bytes=%lu-%lu", &first, &last) != 2) {
		s3_send(r, 200, b.p, b.n);
		goto out;
	}
	if (first >= b.n) {
		s3_error(r, 416, "InvalidRange");
		goto out;
	}
	size_t n = size_min(last - first + 1, b.n - first);
	(void)snprintf(range, sizeof(range), "bytes %lu-%zu/%zu", first, first + n - 1, b.n);
	http_set_header(r, "Content-Range", range);
	if (fault == S3_FLIP)
		b.p[first + n / 2] ^= 1;
	if (fault == S3_CUT)
		s3_cut(r, 206, b.p + first, n);
	else
		s3_send(r, 206, b.p + first, fault == S3_SHORT ? n / 2 : n);
out:
	buf_fini(&b);
}

/* ---- lists ---- */

struct s3_keys {
	char **of;
	size_t n;
};

static void s3_walk(const char *below, struct s3_keys *keys)
{
	char path[512], key[400];
	struct stat st;
	s3_file(below, path);
	DIR *d = opendir(path);
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(
			key, sizeof(key), "%.190s%s%.190s", below, below[0] ? "/" : "", e->d_name);
		s3_file(key, path);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			s3_walk(key, keys);
			continue;
		}
		keys->of = mem_realloc(keys->of, (keys->n + 1) * sizeof(char *));
		keys->of[keys->n++] = mem_strdup(key);
	}
	if (d != NULL)
		closedir(d);
}

/* One name or folder per entry, those after the token, at most a page. */
static void s3_entries(struct buf *out, const struct s3_keys *k, const char *prefix,
	const char *after, bool folders, size_t max)
{
	char last[400] = "";
	size_t given = 0;
	bool more = false;
	for (size_t i = 0; i < k->n; i++) {
		const char *key = k->of[i];
		size_t n = strlen(prefix);
		if (strncmp(key, prefix, n) != 0)
			continue;
		const char *slash = folders ? strchr(key + n, '/') : NULL;
		int len = (int)(slash == NULL ? strlen(key) : (size_t)(slash - key) + 1);
		char name[400];
		(void)snprintf(name, sizeof(name), "%.*s", len, key);
		if (strcmp(name, last) == 0 || strcmp(name, after) <= 0)
			continue;
		more = given == max;
		if (more)
			break;
		given++;
		(void)snprintf(last, sizeof(last), "%s", name);
		buf_addf(out,
			slash == NULL ? "<Contents><Key>%s</Key><Size>1</Size></Contents>"
				      : "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>",
			name);
	}
	buf_addf(out, "<IsTruncated>%s</IsTruncated>", more ? "true" : "false");
	if (more)
		buf_addf(out, "<NextContinuationToken>%s</NextContinuationToken>", last);
}

static void s3_list(struct http_request *r, int fault)
{
	struct buf b = BUF_INIT;
	struct s3_keys k = {.n = 0};
	const char *prefix = http_query(r, "prefix"), *after = http_query(r, "continuation-token");
	const char *max = http_query(r, "max-keys");
	size_t page = max != NULL ? strtoul(max, NULL, 10) : s3->page;
	s3_walk("", &k);
	if (k.n > 0)
		qsort(k.of, k.n, sizeof(char *), s3_by_text);
	buf_adds(&b, "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	if (fault == S3_ENDLESS)
		buf_adds(&b, "<IsTruncated>true</IsTruncated>");
	else
		s3_entries(&b, &k, prefix == NULL ? "" : prefix, after == NULL ? "" : after,
			http_query(r, "delimiter") != NULL, page);
	buf_adds(&b, "</ListBucketResult>");
	if (fault == S3_CUT)
		s3_cut(r, 200, b.p, b.n);
	else
		s3_send(r, 200, b.p, fault == S3_SHORT ? b.n / 2 : b.n);
	for (size_t i = 0; i < k.n; i++)
		free(k.of[i]);
	free(k.of);
	buf_fini(&b);
}

/* ---- uploads in parts: uploads/ID/key, uploads/ID/NNNNN ---- */

static void s3_upload_begins(struct http_request *r, const char *key)
{
	char path[512], text[300];
	(void)snprintf(path, sizeof(path), "%s/uploads/up+%u/key", s3->dir, ++s3->uploads);
	s3_write_file(path, key, strlen(key));
	(void)snprintf(text, sizeof(text),
		"<InitiateMultipartUploadResult><UploadId>up+%u</UploadId>"
		"</InitiateMultipartUploadResult>",
		s3->uploads);
	s3_send(r, 200, text, strlen(text));
}

static bool s3_upload_is(const char *id, const char *what, char path[512])
{
	(void)snprintf(path, 512, "%s/uploads/%.40s/%s", s3->dir, id, what);
	return strchr(id, '/') == NULL;
}

static void s3_part(struct http_request *r, const char *id, const char *number)
{
	char path[512], name[16], etag[80];
	struct span body = http_body(r);
	(void)snprintf(name, sizeof(name), "%05lu", strtoul(number, NULL, 10));
	if (!s3_upload_is(id, "key", path) || access(path, F_OK) != 0) {
		s3_error(r, 404, "NoSuchUpload");
		return;
	}
	(void)s3_upload_is(id, name, path);
	s3_write_file(path, body.p, body.n);
	s3_etag(r, body.p, body.n, etag);
	s3_send(r, 200, "", 0);
}

static void s3_upload_drop(const char *id)
{
	char command[256];
	(void)snprintf(command, sizeof(command), "rm -rf '%s/uploads/%.40s'", s3->dir, id);
	bug_if(system(command) != 0);
}

/* The parts in the order that the list names; each must have the tag it says. */
static bool s3_join(struct http_request *r, const char *id, struct buf *all)
{
	char text[4096], path[512], etag[80];
	struct span body = http_body(r);
	(void)snprintf(text, sizeof(text), "%.*s", (int)body.n, (const char *)body.p);
	char *p = text;
	while ((p = strstr(p, "<PartNumber>")) != NULL) {
		char name[16], said[80];
		struct buf part = BUF_INIT;
		(void)snprintf(name, sizeof(name), "%05lu", strtoul(p + 12, NULL, 10));
		if (!s3_upload_is(id, name, path) || !s3_read_file(path, &part) ||
			!s3_take(p, "<ETag>", "<", said, sizeof(said)))
			return false;
		s3_etag(NULL, part.p, part.n, etag);
		buf_add(all, part.p, part.n);
		buf_fini(&part);
		if (strcmp(etag, said) != 0)
			return false;
		p += 12;
	}
	return true;
}

static void s3_upload_ends(struct http_request *r, const char *id, const char *path, int fault)
{
	static const char good[] = "<CompleteMultipartUploadResult/>";
	static const char bad[] = "<Error><Code>InternalError</Code><Message>late</Message>"
				  "</Error>";
	char key[512];
	struct buf all = BUF_INIT;
	if (!s3_upload_is(id, "key", key) || access(key, F_OK) != 0) {
		s3_error(r, 404, "NoSuchUpload");
	} else if (fault == S3_LATE_ERROR) {
		s3_send(r, 200, bad, sizeof(bad) - 1);
	} else if (!s3_join(r, id, &all)) {
		s3_error(r, 400, "InvalidPart");
	} else if (s3_may_put(r, path)) {
		s3_write_file(path, all.p, all.n);
		s3_upload_drop(id);
		if (fault == S3_LOST)
			s3_cut(r, 200, good, sizeof(good) - 1);
		else
			s3_send(r, 200, good, sizeof(good) - 1);
	}
	buf_fini(&all);
}

static void s3_uploads_list(struct http_request *r)
{
	char path[512], at[40];
	struct buf b = BUF_INIT;
	struct tm tm;
	time_t begun = time(NULL) - (time_t)s3->stale_h * 3600;
	(void)gmtime_r(&begun, &tm);
	(void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
	(void)snprintf(path, sizeof(path), "%s/uploads", s3->dir);
	buf_adds(&b, "<ListMultipartUploadsResult>");
	DIR *d = opendir(path);
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		struct buf key = BUF_INIT;
		(void)s3_upload_is(e->d_name, "key", path);
		if (e->d_name[0] != '.' && s3_read_file(path, &key))
			buf_addf(&b,
				"<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s"
				"</Initiated></Upload>",
				buf_str(&key), e->d_name, at);
		buf_fini(&key);
	}
	if (d != NULL)
		closedir(d);
	buf_adds(&b, "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
	s3_send(r, 200, b.p, b.n);
	buf_fini(&b);
}

/* ---- requests ---- */

static bool s3_is(struct http_request *r, const char *method)
{
	return strcmp(http_method(r), method) == 0;
}

static void s3_of_bucket(struct http_request *r, int fault)
{
	if (s3_is(r, "GET") && http_query(r, "uploads") != NULL)
		s3_uploads_list(r);
	else if (s3_is(r, "GET"))
		s3_list(r, fault);
	else
		s3_error(r, 405, "MethodNotAllowed");
}

static void s3_of_key(struct http_request *r, const char *key, int fault)
{
	char path[512];
	const char *id = http_query(r, "uploadId"), *part = http_query(r, "partNumber");
	s3_file(key, path);
	if (s3_is(r, "POST") && http_query(r, "uploads") != NULL) {
		s3_upload_begins(r, key);
	} else if (s3_is(r, "POST") && id != NULL) {
		s3_upload_ends(r, id, path, fault);
	} else if (s3_is(r, "PUT") && id != NULL && part != NULL) {
		s3_part(r, id, part);
	} else if (s3_is(r, "DELETE") && id != NULL) {
		s3_upload_drop(id);
		s3->aborted++;
		s3_send(r, 204, "", 0);
	} else if (s3_is(r, "DELETE")) {
		(void)unlink(path);
		s3_send(r, 204, "", 0);
	} else if (s3_is(r, "PUT")) {
		s3_put(r, path, fault);
	} else if (s3_is(r, "GET") || s3_is(r, "HEAD")) {
		s3_get(r, path, fault);
	} else {
		s3_error(r, 405, "MethodNotAllowed");
	}
}

/* Below the bucket, by path or by host; NULL = another bucket. */
static const char *s3_key(struct http_request *r)
{
	const char *path = http_path(r), *host = http_req_header(r, "Host");
	size_t n = strlen(S3_BUCKET);
	if (host != NULL && strncmp(host, S3_BUCKET ".", n + 1) == 0)
		return path + 1;
	if (strncmp(path + 1, S3_BUCKET, n) != 0 || (path[n + 1] != 0 && path[n + 1] != '/'))
		return NULL;
	return path[n + 1] == 0 ? "" : path + n + 2;
}

static int s3_fault_now(struct http_request *r)
{
	const char *prefix = http_query(r, "prefix");
	if (s3->left <= 0 || (s3->only[0] != 0 && !s3_is(r, s3->only)) ||
		(s3->within[0] != 0 && strstr(http_path(r), s3->within) == NULL &&
			(prefix == NULL || strstr(prefix, s3->within) == NULL)))
		return S3_NONE;
	s3->left--;
	return s3->fault;
}

static void s3_deep(struct http_request *r)
{
	struct buf b = BUF_INIT;
	for (int i = 0; i < 50000; i++)
		buf_adds(&b, "<a>");
	s3_send(r, 200, b.p, b.n);
	buf_fini(&b);
}

/* Faults that need no work. */
static bool s3_faulty(struct http_request *r, int fault)
{
	static const char laughs[] = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>"
				     "<ListBucketResult>&b;</ListBucketResult>";
	switch (fault) {
	case S3_SLOW_DOWN:
		s3_error(r, 503, "SlowDown");
		return true;
	case S3_INTERNAL:
		s3_send(r, 500, "oops", 4);
		return true;
	case S3_DENIED:
		s3_error(r, 403, "AccessDenied");
		return true;
	case S3_SKEWED:
		s3_error(r, 403, "RequestTimeTooSkewed");
		return true;
	case S3_REDIRECT:
		s3_error(r, 301, "PermanentRedirect");
		return true;
	case S3_FULL:
		s3_error(r, 507, "InsufficientStorage");
		return true;
	case S3_DOCTYPE:
		s3_send(r, 200, laughs, sizeof(laughs) - 1);
		return true;
	case S3_DEEP:
		s3_deep(r);
		return true;
	case S3_MUTE:
		return true;
	default:
		return false;
	}
}

static void s3_on_request(void *arg, struct http_request *r)
{
	(void)arg;
	const char *key = s3_key(r), *wrong = s3_refuse(r);
	s3->requests++;
	if (wrong != NULL) {
		s3_refused(r, wrong);
		return;
	}
	int fault = s3_fault_now(r);
	if (s3_faulty(r, fault))
		return;
	if (key == NULL)
		s3_error(r, 404, "NoSuchBucket");
	else if (key[0] == 0)
		s3_of_bucket(r, fault);
	else if (strstr(key, "..") != NULL)
		s3_error(r, 400, "InvalidURI");
	else
		s3_of_key(r, key, fault);
}

/* ---- life ---- */

static unsigned s3_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bug_if(fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0);
	bug_if(getsockname(fd, (struct sockaddr *)&a, &n) < 0);
	close(fd);
	return ntohs(a.sin_port);
}

no_return static void s3_serve(void)
{
	char listen_at[64];
	struct fault f;
	struct loop *l = loop_new();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(listen_at, sizeof(listen_at), "127.0.0.1:%u", s3->port);
	const struct http_server_opts opts = {.listen = listen_at, .max_body = 32 << 20};
	if (http_server_new(l, &opts, s3_on_request, NULL, &f) == NULL) {
		(void)fprintf(stderr, "%s\n", f.detail);
		_exit(1);
	}
	loop_run(l);
	_exit(0);
}

static bool s3_listens(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)s3->port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

static unused void s3_start(void)
{
	pid_t pid = fork();
	bug_if(pid < 0);
	if (pid == 0)
		s3_serve();
	s3->pid = pid;
	for (int i = 0; i < 1500 && !s3_listens(); i++) {
		struct timespec pause = {0, 20000000};
		(void)nanosleep(&pause, NULL);
	}
	bug_if(!s3_listens());
}

static unused void s3_stop(void)
{
	if (s3->pid > 0) {
		(void)kill(s3->pid, SIGKILL);
		(void)waitpid(s3->pid, NULL, 0);
	}
	s3->pid = 0;
}

/* Puts it into dir/, which exists. Before the program has threads. */
static unused void s3_make(const char *dir)
{
	char path[160];
	s3 = mmap(NULL, sizeof(*s3), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bug_if(s3 == MAP_FAILED);
	(void)snprintf(s3->dir, sizeof(s3->dir), "%s", dir);
	(void)snprintf(s3->region, sizeof(s3->region), "eu-test-1");
	s3->page = 1000;
	s3->port = s3_free_port();
	(void)snprintf(path, sizeof(path), "%s/files", dir);
	bug_if(mkdir(path, 0700) < 0);
	s3_start();
}

/* The next n requests of that method (NULL = any) and place (NULL = any) go wrong so. */
static unused void s3_fails(enum s3_fault fault, int n, const char *only, const char *within)
{
	s3->left = 0;
	s3->fault = (int)fault;
	(void)snprintf(s3->only, sizeof(s3->only), "%s", only == NULL ? "" : only);
	(void)snprintf(s3->within, sizeof(s3->within), "%s", within == NULL ? "" : within);
	s3->left = n;
}
