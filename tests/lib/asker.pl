#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Asks a gateway for a test, without a process per request: SOCKET FILE. A line "METHOD PATH TOKEN JSON KEY" (tabs between, JSON and
# Idempotency-Key may be empty) is answered with the status on a line, 599 when nobody answers; the body is in FILE then.
use strict;
use warnings;
use IO::Socket::UNIX;

my ($socket, $file) = @ARGV;
$| = 1;

sub ask {
	my ($method, $path, $token, $json, $key) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $socket) or return ('599', '');
	my $head = "$method /api/v1$path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer $token\r\n";
	$head .= "Content-Type: application/json\r\n" if $json ne '';
	$head .= "Idempotency-Key: $key\r\n" if ($key // '') ne '';
	$head .= 'Content-Length: ' . length($json) . "\r\n" if $json ne '' || $method ne 'GET';
	print {$s} "$head\r\n$json";
	my $answer = do { local $/; <$s> } // '';
	my ($status, $body) = $answer =~ m{^HTTP/1\.1 (\d+).*?\r\n\r\n(.*)$}s or return ('599', '');
	return ($status, $body) unless $answer =~ m{^transfer-encoding: chunked}im;
	my $whole = '';
	while ($body =~ s/^([0-9a-fA-F]+)\r\n// && hex $1) { $whole .= substr $body, 0, hex $1; substr($body, 0, 2 + hex $1) = '' }
	return ($status, $whole);
}

while (my $line = <STDIN>) {
	chomp $line;
	my ($status, $body) = ask(split /\t/, $line, 5);
	open my $out, '>', $file or die $!;
	print {$out} $body;
	close $out;
	print "$status\n";
}
