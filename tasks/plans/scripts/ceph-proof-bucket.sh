# A bucket of CLASS is claimed, an object is put into it, got back and deleted, and the claim with it.
clean_bucket() {
  clean
  kubectl delete obc "sanqian-proof-$KIND" -n "$SPACE" --ignore-not-found --wait --timeout=120s >/dev/null 2>&1 || :
}
clean_bucket
trap clean_bucket EXIT
kubectl apply -f - <<CLAIM
apiVersion: objectbucket.io/v1alpha1
kind: ObjectBucketClaim
metadata: {name: sanqian-proof-$KIND, namespace: $SPACE, labels: {sanqian-proof: $KIND}}
spec: {generateBucketName: sanqian-proof, storageClassName: $CLASS}
CLAIM
await_bound obc
progress 40 "the bucket is bound"
# Signed by hand: Ceph's image has Python, and no client of S3.
python='import base64,email.utils,hashlib,hmac,os,urllib.request as u
e=os.environ
p="/"+e["BUCKET_NAME"]+"/proof"
def ask(m,b=None):
    d=email.utils.formatdate(usegmt=True)
    t="text/plain" if b else ""
    s=hmac.new(e["AWS_SECRET_ACCESS_KEY"].encode(),(m+"\n\n"+t+"\n"+d+"\n"+p).encode(),hashlib.sha1).digest()
    h={"Date":d,"Authorization":"AWS "+e["AWS_ACCESS_KEY_ID"]+":"+base64.b64encode(s).decode()}
    if t: h["Content-Type"]=t
    return u.urlopen(u.Request("http://"+e["BUCKET_HOST"]+":"+e["BUCKET_PORT"]+p,b,h,method=m),timeout=30).read()
ask("PUT",b"proof")
assert ask("GET")==b"proof"
ask("DELETE")'
more="        envFrom: [{configMapRef: {name: sanqian-proof-$KIND}}, {secretRef: {name: sanqian-proof-$KIND}}]"
run_job "sanqian-proof-$KIND" "echo $(printf %s "$python" | base64 | tr -d '\n') | base64 -d | python3 -" "" "$more"
printf 'a bucket of %s was bound, written, and read back\n' "$CLASS"
