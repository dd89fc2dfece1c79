-- id, version, body -> whether it was replaced
return replace(ARGV[4], ARGV[5], ARGV[6])
