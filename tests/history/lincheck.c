// SPDX-License-Identifier: Apache-2.0
/* Judges recorded histories: lincheck FILE… (form: tests/lib/history.h). 0 = all acquitted. */
#include "tests/lib/history.h"

static int judge(const char *path)
{
	struct history h;
	char why[400] = "";
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		perror(path);
		return 2;
	}
	int verdict = history_read(&h, f, why, sizeof(why));
	(void)fclose(f);
	if (verdict < 0) {
		(void)printf("%s: %s\n", path, why);
		history_fini(&h);
		return 2;
	}
	size_t calls = h.calls_n, devices = h.devices_n;
	verdict = history_check(&h, why, sizeof(why));
	history_fini(&h);
	if (verdict == 1)
		(void)printf("%s: good, %zu calls on %zu devices\n", path, calls, devices);
	else
		(void)printf("%s: %s%s\n", path, verdict == 0 ? "BAD: " : "not judged: ", why);
	return verdict == 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		int one = judge(argv[i]);
		rc = one > rc ? one : rc;
	}
	return argc > 1 ? rc : 64;
}
