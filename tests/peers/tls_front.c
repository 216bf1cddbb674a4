// SPDX-License-Identifier: Apache-2.0
/* A server that speaks TLS and nothing else, before a plain one of 127.0.0.1.
 *
 *   tls_front ADDRESS PORT BEHIND     prints the pin of its key once it listens */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/base.h"
#include "tests/lib/tls_peer.h"

int main(int argc, char **argv)
{
	static struct tls_front front;
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 4 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1)
		return 64;
	a.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 16) != 0)
		return 69;
	tls_front_on(&front, "DNS:peer.test", fd, (int)strtol(argv[3], NULL, 10));
	printf("%s\n", front.peer.pin);
	(void)fflush(stdout);
	(void)pthread_join(front.thread, NULL);
	return 0;
}
