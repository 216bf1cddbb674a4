// SPDX-License-Identifier: Apache-2.0
/* Signing requests to S3. libcurl has its own way (CURLOPT_AWS_SIGV4), which in 7.88 signs neither
 * the query in its canonical order nor an encoded path, nor every header we send. */
#include "services/storage/vaults/s3_sign.h"

#include <string.h>
#include <time.h>

#include "common/crypto/crypto.h"

#define DAY 8 /* of s3_date */

void s3_date(uint64_t wall_ms, char out[static S3_DATE])
{
	struct tm tm;
	time_t at = (time_t)(wall_ms / 1000);
	bug_if(gmtime_r(&at, &tm) == NULL);
	bug_if(strftime(out, S3_DATE, "%Y%m%dT%H%M%SZ", &tm) == 0);
}

static bool plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != 0 && strchr("-._~", c) != NULL);
}

void s3_encode(struct buf *out, const char *text, bool slash)
{
	for (; *text != 0; text++)
		if (plain(*text) || (slash && *text == '/'))
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
}

static struct span text_span(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static void names(struct buf *out, const struct s3_signing *q)
{
	for (size_t i = 0; i < q->n; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : ";", q->headers[i].name);
}

/* SHA-256 of what is asked, in the one form that both sides derive. */
static void canonical(const struct s3_signing *q, char hex[static 65])
{
	struct buf b = BUF_INIT;
	uint8_t digest[SHA256_LEN];
	buf_addf(&b, "%s\n%s\n%s\n", q->method, q->path, q->query);
	for (size_t i = 0; i < q->n; i++)
		buf_addf(&b, "%s:%s\n", q->headers[i].name, q->headers[i].value);
	buf_addc(&b, '\n');
	names(&b, q);
	buf_addf(&b, "\n%s", q->payload);
	sha256(buf_span(&b), digest);
	hex_encode((struct span){digest, sizeof(digest)}, hex);
	buf_fini(&b);
}

/* A key for one day, region and service. */
static void day_key(const struct s3_key *k, const char *day, uint8_t out[static SHA256_LEN])
{
	struct buf first = BUF_INIT;
	const struct span steps[] = {{(const uint8_t *)day, DAY}, text_span(k->region),
		text_span("s3"), text_span("aws4_request")};
	buf_addf(&first, "AWS4%s", k->secret);
	struct span key = buf_span(&first);
	for (size_t i = 0; i < array_len(steps); i++) {
		hmac_sha256(key, &steps[i], 1, out);
		key = (struct span){out, SHA256_LEN};
	}
	buf_wipe(&first);
}

void s3_sign(const struct s3_signing *q, const struct s3_key *k, struct buf *out)
{
	struct buf text = BUF_INIT;
	uint8_t key[SHA256_LEN], digest[SHA256_LEN];
	char hex[65];
	canonical(q, hex);
	buf_addf(&text, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/s3/aws4_request\n%s", q->at, q->at,
		k->region, hex);
	const struct span whole = buf_span(&text);
	day_key(k, q->at, key);
	hmac_sha256((struct span){key, sizeof(key)}, &whole, 1, digest);
	crypto_wipe(key, sizeof(key));
	hex_encode((struct span){digest, sizeof(digest)}, hex);
	buf_addf(out,
		"AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/s3/aws4_request, SignedHeaders=", k->id,
		q->at, k->region);
	names(out, q);
	buf_addf(out, ", Signature=%s", hex);
	buf_fini(&text);
}
