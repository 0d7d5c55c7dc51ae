# Connections with a receive buffer of 4 KB, which Node cannot set. Each goes on sending one text for as long as it may, and reads `bytes` bytes
# a second, or none. Standard output: `open N` and `sent BYTES` once each when every connection is blocked or done, then `closed N` at each
# change, and `received BYTES` with every second.
# Usage: slow-readers.pl PORT CONNECTIONS BYTES_READ_PER_SECOND SENT_BYTES_MAX <text
use strict; use warnings;
use Socket qw(:all); use IO::Select; use Fcntl; use Errno qw(EAGAIN EWOULDBLOCK EINPROGRESS);
my ($port, $count, $rate, $max) = @ARGV;
local $/; my $text = <STDIN>; $text x= int(16384 / length($text)) + 1;
$| = 1; $SIG{PIPE} = 'IGNORE';
my (%left, %at, @all);
for (1 .. $count) {
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!;
  setsockopt($s, SOL_SOCKET, SO_RCVBUF, 4096) or die $!;
  connect($s, pack_sockaddr_in($port, inet_aton('127.0.0.1'))) or die "connect: $!";
  fcntl($s, F_SETFL, O_NONBLOCK) or die $!;
  push @all, $s; $left{$s} = $max; $at{$s} = 0;
}
my ($closed, $sent, $received, $told, $quiet, $second) = (0, 0, 0, 0, 0, time);
sub gone { my ($s) = @_; @all = grep { $_ != $s } @all; close $s; $closed++; print "closed $closed\n" }
while (1) {
  my $moved = 0;
  for my $s (@all) {
    while ($left{$s} > 0) {
      my $piece = substr($text, $at{$s}, $left{$s});
      my $n = syswrite($s, $piece);
      if (!defined $n) { gone($s) unless $! == EAGAIN || $! == EWOULDBLOCK; last }
      $moved += $n; $sent += $n; $left{$s} -= $n; $at{$s} = ($at{$s} + $n) % length($text);
    }
  }
  if (time != $second) {
    $second = time;
    for my $s (@all) {
      next unless $rate;
      my $n = sysread($s, my $into, $rate);
      if (defined $n && $n == 0 || !defined $n && $! != EAGAIN) { gone($s); next }
      $received += $n // 0;
    }
    print "received $received\n" if $rate;
    # A reset is seen by those that do not read too.
    for my $s (@all) { my $e = unpack('i', getsockopt($s, SOL_SOCKET, SO_ERROR)); gone($s) if $e }
  }
  $quiet = $moved ? 0 : $quiet + 1;
  if (!$told && $quiet == 100) { $told = 1; print 'open ', scalar(@all), "\nsent $sent\n" }
  exit if !@all;
  select(undef, undef, undef, 0.01);
}
