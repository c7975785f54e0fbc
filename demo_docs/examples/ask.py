import httpx

question = {"messages": [{"role": "user", "content": "How do I remove the solvent?"}]}
answer = httpx.post("http://127.0.0.1:8800/v1/chat", json=question, timeout=120).raise_for_status()
print(answer.json()["answer"])
for source in answer.json()["sources"]:
    print(source["n"], source["title"], source["url"])
