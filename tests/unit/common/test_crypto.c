// SPDX-License-Identifier: Apache-2.0
/* Known answers from the RFCs and NIST, and what attackers try on each primitive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "common/crypto/spki.h"
#include "tests/lib/tls_peer.h"

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

/* Bytes written in hex, put into store. */
static struct span bytes(const char *hex, uint8_t *store)
{
	size_t n = strlen(hex) / 2;
	assert_int_equal(hex_decode(hex, store, n), 0);
	return (struct span){store, n};
}

static void assert_hex(const uint8_t *got, size_t n, const char *want)
{
	char hex[512];
	assert_true(n * 2 < sizeof(hex));
	hex_encode((struct span){got, n}, hex);
	assert_string_equal(hex, want);
}

static void sha256_answers_as_fips_180(void **state)
{
	(void)state;
	uint8_t out[SHA256_LEN];
	sha256(text("abc"), out);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256(text(""), out);
	assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	struct sha256 *h = sha256_new();
	sha256_add(h, text("abcdbcdecdefdefgefghfghighij"));
	sha256_add(h, text(""));
	sha256_add(h, text("hijkijkljklmklmnlmnomnopnopq"));
	sha256_end(h, out);
	assert_hex(out, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void hmac_answers_as_rfc_4231(void **state)
{
	(void)state;
	uint8_t out[32], key[131];
	struct span pieces[2] = {text("what do ya want "), text("for nothing?")};
	hmac_sha256(text("Jefe"), pieces, 2, out);
	assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	struct span large = text("Test Using Larger Than Block-Size Key - Hash Key First");
	hmac_sha256((struct span){key, 131}, &large, 1, out);
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hmac_takes_an_empty_key(void **state)
{
	(void)state;
	uint8_t out[32];
	struct span none = text("");
	hmac_sha256(none, &none, 1, out);
	assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void hkdf_answers_as_rfc_5869(void **state)
{
	(void)state;
	uint8_t k[22], s[13], i[10], out[42];
	struct span key = bytes("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", k);
	struct span salt = bytes("000102030405060708090a0b0c", s);
	struct span info = bytes("f0f1f2f3f4f5f6f7f8f9", i);
	hkdf_sha256(key, salt, info, out, 42);
	assert_hex(out, 42,
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b8"
		"87185865");
	hkdf_sha256(key, text(""), text(""), out, 42);
	assert_hex(out, 42,
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b"
		"61a96c8");
}

/* McGrew and Viega, test case 16: AES-256 with associated data. */
static const char gcm_key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char gcm_plain[] =
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
	"49a6b525b16aedf5aa0de657ba637b39";
static const char gcm_sealed[] =
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
	"56828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b";

static void gcm_answers_as_nist(void **state)
{
	(void)state;
	uint8_t key[32], nonce[12], a[20], p[64], out[80], back[64];
	bytes(gcm_key, key);
	bytes("cafebabefacedbaddecaf888", nonce);
	struct span aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2", a);
	struct span plain = bytes(gcm_plain, p);
	gcm_seal(key, nonce, aad, plain, out);
	assert_hex(out, 76, gcm_sealed);
	assert_int_equal(gcm_open(key, nonce, aad, (struct span){out, 76}, back), 0);
	assert_memory_equal(back, p, 60);
}

static void gcm_refuses_every_flipped_bit(void **state)
{
	(void)state;
	uint8_t key[32] = {1}, nonce[12] = {2}, sealed[5 + GCM_TAG], out[5];
	gcm_seal(key, nonce, text("about"), text("hello"), sealed);
	for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(gcm_open(key, nonce, text("about"),
					 (struct span){sealed, sizeof(sealed)}, out),
			-1);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(
		gcm_open(key, nonce, text("other"), (struct span){sealed, sizeof(sealed)}, out),
		-1);
	assert_int_equal(gcm_open(key, nonce, text("about"), (struct span){sealed, 15}, out), -1);
}

static void a_sealed_value_opens_only_where_it_was_sealed(void **state)
{
	(void)state;
	uint8_t key[32] = {7};
	struct buf sealed = BUF_INIT, again = BUF_INIT, out = BUF_INIT;
	seal_value(key, text("row 1"), text("secret"), &sealed);
	seal_value(key, text("row 1"), text("secret"), &again);
	assert_int_equal(sealed.n, 6 + GCM_NONCE + GCM_TAG);
	assert_memory_not_equal(sealed.p, again.p, sealed.n);
	assert_int_equal(open_value(key, text("row 2"), buf_span(&sealed), &out), -1);
	assert_int_equal(out.n, 0);
	assert_int_equal(open_value(key, text("row 1"), buf_span(&sealed), &out), 0);
	assert_string_equal(buf_str(&out), "secret");
	for (size_t n = 0; n < sealed.n; n++)
		assert_int_equal(
			open_value(key, text("row 1"), (struct span){sealed.p, n}, &out), -1);
	buf_fini(&sealed);
	buf_fini(&again);
	buf_fini(&out);
}

static void x25519_answers_as_rfc_7748(void **state)
{
	(void)state;
	uint8_t priv[32], pub[32];
	bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", priv);
	box_public(priv, pub);
	assert_hex(pub, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", priv);
	box_public(priv, pub);
	assert_hex(pub, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
}

static void a_box_opens_for_its_reader_only(void **state)
{
	(void)state;
	uint8_t pub[32], priv[32], pub2[32], priv2[32];
	struct buf box = BUF_INIT, out = BUF_INIT;
	box_keypair(pub, priv);
	box_keypair(pub2, priv2);
	box_seal(pub, text("printer 1"), text("password"), &box);
	assert_int_equal(box.n, 32 + 8 + GCM_TAG);
	assert_int_equal(box_open(priv2, text("printer 1"), buf_span(&box), &out), -1);
	assert_int_equal(box_open(priv, text("printer 2"), buf_span(&box), &out), -1);
	for (size_t i = 0; i < box.n; i++) {
		box.p[i] ^= 1;
		assert_int_equal(box_open(priv, text("printer 1"), buf_span(&box), &out), -1);
		box.p[i] ^= 1;
		assert_int_equal(
			box_open(priv, text("printer 1"), (struct span){box.p, i}, &out), -1);
	}
	assert_int_equal(box_open(priv, text("printer 1"), buf_span(&box), &out), 0);
	assert_string_equal(buf_str(&out), "password");
	buf_fini(&box);
	buf_fini(&out);
}

static void a_box_to_a_small_order_key_is_not_made(void **state)
{
	(void)state;
	uint8_t zero[32] = {0};
	struct buf box = BUF_INIT;
	box_seal(zero, text(""), text("password"), &box);
	assert_true(box.err);
	assert_int_equal(box.n, 0);
	buf_fini(&box);
}

static void ed25519_answers_as_rfc_8032(void **state)
{
	(void)state;
	uint8_t seed[32], pub[32], sig[64], msg[1] = {0x72};
	struct span in = {msg, 1};
	bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed);
	sign_public(seed, pub);
	assert_hex(pub, 32, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	sign_make(seed, in, sig);
	assert_hex(sig, 64,
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e45"
		"8f3613"
		"d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	assert_true(sign_good(pub, in, sig));
	msg[0] ^= 1;
	assert_false(sign_good(pub, in, sig));
	msg[0] ^= 1;
	sig[63] ^= 1;
	assert_false(sign_good(pub, in, sig));
}

static void a_password_is_known_again_and_no_other(void **state)
{
	(void)state;
	char hash[256], other[256];
	assert_int_equal(
		password_hash(text("correct horse"), text("pepper"), hash, sizeof(hash)), 0);
	assert_memory_equal(hash, "$argon2id$v=19$m=65536,t=3,p=1$", 31);
	assert_true(password_good(text("correct horse"), text("pepper"), hash));
	assert_false(password_good(text("correct horsf"), text("pepper"), hash));
	assert_false(password_good(text("correct horse"), text("salt"), hash));
	assert_int_equal(
		password_hash(text("correct horse"), text("pepper"), other, sizeof(other)), 0);
	assert_string_not_equal(hash, other);
	assert_int_equal(password_hash(text("x"), text(""), hash, 20), -1);
}

static void password_parameters_outside_the_bounds_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"x",
		"$argon2i$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$v=19$m=1024,t=3,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
		"$argon2id$v=19$m=65536,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
		"$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
		"$argon2id$v=19$m=65536,t=4000000,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
		"$argon2id$v=19$m=65536,t=3,p=9999$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
	};
	for (size_t i = 0; i < array_len(bad); i++)
		assert_false(password_good(text("x"), text(""), bad[i]));
	assert_false(password_good(text("x"), text(""), NULL));
}

static void base64_answers_as_rfc_4648_and_refuses_other_forms(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n",
		"====", "Z===", "Zm8 ", "Z-8="};
	for (size_t i = 0; i < array_len(pairs); i++) {
		struct buf b = BUF_INIT, out = BUF_INIT;
		base64_encode(text(pairs[i][0]), &b);
		assert_string_equal(buf_str(&b), pairs[i][1]);
		assert_int_equal(base64_decode(buf_str(&b), b.n, &out), 0);
		assert_string_equal(buf_str(&out), pairs[i][0]);
		buf_fini(&b);
		buf_fini(&out);
	}
	for (size_t i = 0; i < array_len(bad); i++) {
		struct buf out = BUF_INIT;
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), &out), -1);
		assert_int_equal(out.n, 0);
		buf_fini(&out);
	}
}

static void hex_reads_exactly_the_bytes_asked_for(void **state)
{
	(void)state;
	uint8_t out[2] = {9, 9};
	assert_int_equal(hex_decode("0aF", out, 2), -1);
	assert_int_equal(hex_decode("0aFfff", out, 2), -1);
	assert_int_equal(hex_decode("0aGg", out, 2), -1);
	assert_int_equal(hex_decode(NULL, out, 2), -1);
	assert_int_equal(out[0], 9);
	assert_int_equal(hex_decode("0aFf", out, 2), 0);
	assert_int_equal(out[0] << 8 | out[1], 0x0aff);
}

static void key_files_are_for_their_owner_only_se_56(void **state)
{
	(void)state;
	char dir[] = "/tmp/carnet-key-XXXXXX", path[64], other[64];
	uint8_t key[32] = {0}, again[32];
	struct fault f = FAULT_INIT;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/kek", dir);
	(void)snprintf(other, sizeof(other), "%s/link", dir);
	assert_int_equal(key_file_read(path, key, 32, &f), -1);
	assert_string_equal(f.reason, "key_file_missing");
	assert_int_equal(key_file_make(path, 32, &f), 0);
	assert_int_equal(key_file_read(path, key, 32, &f), 0);
	assert_int_equal(key_file_make(path, 32, &f), 0);
	assert_int_equal(key_file_read(path, again, 32, &f), 0);
	assert_memory_equal(key, again, 32);
	assert_int_equal(key_file_read(path, key, 31, &f), -1);
	assert_string_equal(f.reason, "key_file_size");
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(key_file_read(other, key, 32, &f), -1);
	assert_int_equal(chmod(path, 0440), 0);
	assert_int_equal(key_file_read(path, key, 32, &f), -1);
	assert_string_equal(f.reason, "key_file_mode");
	unlink(other);
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* no temporary name is left */
}

static void a_secret_keeps_its_bytes_and_ends_with_nul(void **state)
{
	(void)state;
	struct secret *s = secret_new(text("p@ss"));
	assert_string_equal(secret_text(s), "p@ss");
	assert_int_equal(secret_bytes(s).n, 4);
	secret_free(s);
	secret_free(NULL);
}

static void a_certificate_tells_the_pin_of_its_key(void **state unused)
{
	struct tls_peer peer;
	char pem[4096], pin[SPKI_PIN];

	tls_peer_make(&peer, "DNS:peer.test");
	FILE *f = fopen(peer.ca_file, "re");
	assert_non_null(f);
	pem[fread(pem, 1, sizeof(pem) - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
	assert_int_equal(spki_pin(pem, pin), 0);
	assert_string_equal(pin, peer.pin);
	pem[strlen(pem) / 2] = '\0'; /* cut short */
	assert_int_equal(spki_pin(pem, pin), -1);
	assert_int_equal(spki_pin("", pin), -1);
	tls_peer_fini(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_answers_as_fips_180),
		cmocka_unit_test(hmac_answers_as_rfc_4231),
		cmocka_unit_test(hmac_takes_an_empty_key),
		cmocka_unit_test(hkdf_answers_as_rfc_5869),
		cmocka_unit_test(gcm_answers_as_nist),
		cmocka_unit_test(gcm_refuses_every_flipped_bit),
		cmocka_unit_test(a_sealed_value_opens_only_where_it_was_sealed),
		cmocka_unit_test(x25519_answers_as_rfc_7748),
		cmocka_unit_test(a_box_opens_for_its_reader_only),
		cmocka_unit_test(a_box_to_a_small_order_key_is_not_made),
		cmocka_unit_test(ed25519_answers_as_rfc_8032),
		cmocka_unit_test(a_password_is_known_again_and_no_other),
		cmocka_unit_test(password_parameters_outside_the_bounds_are_refused),
		cmocka_unit_test(base64_answers_as_rfc_4648_and_refuses_other_forms),
		cmocka_unit_test(hex_reads_exactly_the_bytes_asked_for),
		cmocka_unit_test(key_files_are_for_their_owner_only_se_56),
		cmocka_unit_test(a_certificate_tells_the_pin_of_its_key),
		cmocka_unit_test(a_secret_keeps_its_bytes_and_ends_with_nul),
	};
	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
