// SPDX-License-Identifier: Apache-2.0
/* Signatures of requests to S3: the examples that AWS published with the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "services/storage/vaults/s3_sign.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST                                                                                       \
	{                                                                                          \
		"host", "examplebucket.s3.amazonaws.com"                                           \
	}
#define AT                                                                                         \
	{                                                                                          \
		"x-amz-date", "20130524T000000Z"                                                   \
	}

static const struct s3_key key = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"};

static void signature_is(struct s3_signing q, const char *names, const char *signature)
{
	struct buf got = BUF_INIT, want = BUF_INIT;
	q.at = "20130524T000000Z";
	s3_sign(&q, &key, &got);
	buf_addf(&want,
		"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
		"aws4_request, SignedHeaders=%s, Signature=%s",
		names, signature);
	assert_string_equal(buf_str(&got), buf_str(&want));
	buf_fini(&got);
	buf_fini(&want);
}

static void part_of_an_object_is_asked_for(void **state)
{
	(void)state;
	const struct s3_header h[] = {
		HOST, {"range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY}, AT};
	signature_is((struct s3_signing){"GET", "/test.txt", "", h, 4, EMPTY, NULL},
		"host;range;x-amz-content-sha256;x-amz-date",
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void an_object_is_put_under_a_name_that_needs_escapes(void **state)
{
	struct buf path = BUF_INIT;
	(void)state;
	const char *sum = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	const struct s3_header h[] = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, HOST,
		{"x-amz-content-sha256", sum}, AT, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
	s3_encode(&path, "/test$file.text", true);
	assert_string_equal(buf_str(&path), "/test%24file.text");
	signature_is((struct s3_signing){"PUT", buf_str(&path), "", h, 5, sum, NULL},
		"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	buf_fini(&path);
}

static void a_part_of_the_bucket_is_asked_for(void **state)
{
	(void)state;
	const struct s3_header h[] = {HOST, {"x-amz-content-sha256", EMPTY}, AT};
	signature_is((struct s3_signing){"GET", "/", "lifecycle=", h, 3, EMPTY, NULL},
		"host;x-amz-content-sha256;x-amz-date",
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void names_are_asked_for(void **state)
{
	(void)state;
	const struct s3_header h[] = {HOST, {"x-amz-content-sha256", EMPTY}, AT};
	signature_is((struct s3_signing){"GET", "/", "max-keys=2&prefix=J", h, 3, EMPTY, NULL},
		"host;x-amz-content-sha256;x-amz-date",
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void names_are_encoded_as_the_rules_say(void **state)
{
	char at[S3_DATE];
	struct buf b = BUF_INIT;
	(void)state;
	s3_encode(&b, "a/b c+d~é.", false);
	assert_string_equal(buf_str(&b), "a%2Fb%20c%2Bd~%C3%A9.");
	buf_reset(&b);
	s3_encode(&b, "/a/b c", true);
	assert_string_equal(buf_str(&b), "/a/b%20c");
	buf_fini(&b);
	s3_date(1369353600000, at);
	assert_string_equal(at, "20130524T000000Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(part_of_an_object_is_asked_for),
		cmocka_unit_test(an_object_is_put_under_a_name_that_needs_escapes),
		cmocka_unit_test(a_part_of_the_bucket_is_asked_for),
		cmocka_unit_test(names_are_asked_for),
		cmocka_unit_test(names_are_encoded_as_the_rules_say),
	};
	return cmocka_run_group_tests_name("signatures of S3", tests, NULL, NULL);
}
